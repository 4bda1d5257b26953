// What every architecture that learns by gradients promises: it goes on bit for bit after a stop,
// and each of its switches does something.
#include "expect_refusal.h"
#include "plugins/short_training.h"

namespace facet {
namespace {

struct Switch {
  Value section;
  std::string key;
  Value value;
};

}  // namespace

TEST(Architectures, go_on_bit_for_bit_after_a_stop) {
  for (const Value& section : {topk(),
                               relu(),
                               jumprelu(),
                               batch_topk(),
                               fixed_jumprelu(),
                               with(topk(), "compat", "saelens"),
                               with(topk(), "error_coefficient", 0.0),
                               with(with(topk(), "k_start", 30), "k_anneal", 8),
                               with(topk(), "compat", "sparsify"),
                               with(topk(), "compat", "interprot"),
                               with(relu(), "decoder_norm_every", 5),
                               with(batch_topk(), "compat", "saelens"),
                               with(batch_topk(), "compat", "bussmann"),
                               route(),
                               with(route(), "compat", "routesae"),
                               with(route(), "routing", "soft"),
                               with(relu(), "tied", true),
                               with(topk(), "tied", true),
                               with(topk(), "multi_topk", 4),
                               with(topk(), "type", "abs_topk"),
                               with(topk(), "type", "groupmax"),
                               gated(),
                               with(gated(), "compat", "saelens"),
                               with(gated(), "compat", "routesae"),
                               with(gated(), "tied", true),
                               matryoshka(),
                               with(matryoshka(), "compat", "saelens"),
                               with(matryoshka(), "compat", "bussmann"),
                               annealed("p_anneal"),
                               annealed("gated_anneal"),
                               with(jumprelu(), "log_threshold", true),
                               with(jumprelu(), "l0_mode", "tanh_quadratic")})
    for (const int64_t stop_after : {1, 5, 11}) expect_same_after_a_stop(section, {}, stop_after);
  for (const Value& training : {with({}, "optimiser", "signum"), with({}, "optimiser", "muon"),
                                with({}, "keep_gradients", true), with({}, "fired_if", "selected")})
    for (const int64_t stop_after : {1, 5, 11})
      expect_same_after_a_stop(topk(), training, stop_after);
}

TEST(Architectures, learn_otherwise_when_a_switch_is_flipped) {
  const std::vector<Switch> switches = {
      {topk(), "aux", "scaled"},
      {topk(), "aux", "attached"},
      {topk(), "aux", "openai"},
      {topk(), "aux", "interprot"},
      {with(topk(), "aux", "interprot"), "aux", "attached"},
      {with(topk(), "k_aux", 39), "aux", "rep_saes"},
      {with(with(topk(), "k_aux", 39), "aux", "interprot"), "aux", "rep_saes"},
      {topk(), "aux", "opensae"},
      {topk(), "aux", "sparsify"},
      {topk(), "aux", "ghost"},
      {topk(), "aux_coefficient", 0.0},
      {topk(), "pre_act_coefficient", 0.1},
      {with(topk(), "k", 30), "relu", false},
      {with(with(topk(), "k_start", 30), "k_anneal", 8), "k_start", 20},
      {with(with(topk(), "k_start", 30), "k_anneal", 8), "k_anneal", 3},
      {topk(), "error", "fvu"},
      {topk(), "error", "fvu_by_column"},
      {with(topk(), "error", "fvu"), "error", "fvu_by_column"},
      {topk(), "error_coefficient", 0.5},
      {topk(), "error_coefficient", 0.0},
      {topk(), "centre", false},
      {topk(), "encoder_bias", false},
      {topk(), "decoder_bias", false},
      {topk(), "b_enc_start", -0.1},
      {topk(), "decoder_norm", "before_pass"},
      {with(topk(), "decoder_norm", "after_backward"), "decoder_norm_over", "columns"},
      {with(topk(), "decoder_norm", "never"), "decoder_norm_over", "columns"},
      {topk(), "k_aux", 1},
      {topk(), "tied", true},
      {topk(), "multi_topk", 4},
      {with(topk(), "multi_topk", 4), "multi_topk_coefficient", 0.5},
      {with(topk(), "multi_topk", 4), "multi_topk_encoder", false},
      {topk(), "b_enc_centred", true},
      {topk(), "decoder_start", "zero"},
      {topk(), "type", "abs_topk"},
      {topk(), "type", "groupmax"},
      {with(topk(), "type", "abs_topk"), "aux", "scaled"},
      {with(topk(), "decoder_norm", "never"), "select_by_norm", true},
      {topk(), "decoder_norm", "never"},
      {topk(), "b_dec_start", "zero"},
      {relu(), "error", "nmse"},
      {relu(), "error", "l2_loss"},
      {relu(), "error", "mse_by_element"},
      {with(relu(), "decoder_norm", "never"), "l1", "l1_weighted"},
      {relu(), "l1", "l1_by_element"},
      {with(relu(), "b_dec_start", "mean"), "centre", false},
      {relu(), "decoder_norm", "never"},
      {relu(), "decoder_norm", "after_backward"},
      {relu(), "decoder_norm_every", 5},
      {with(relu(), "decoder_norm_every", 5), "decoder_norm_first", 2},
      {relu(), "project_gradient", false},
      {silent_relu(), "aux_coefficient", 0.1},
      {with(silent_relu(), "aux_coefficient", 0.1), "aux", "ghost"},
      {silent_relu(), "pre_act_coefficient", 0.1},
      {relu(), "decoder_init_norm", 0.1},
      {relu(), "encoder_start", "width"},
      {with(relu(), "encoder_start", "width"), "decoder_init_norm", 0.0},
      {relu(), "b_dec_start", "geometric_median"},
      {jumprelu(), "l0_on", "post"},
      {jumprelu(), "l0_target", 3.0},
      {jumprelu(), "pre_act_coefficient", 0.0},
      {jumprelu(), "bandwidth", 0.2},
      {with(with(jumprelu(), "threshold", 0.01), "l0_coefficient", 0.0), "threshold_floor", false},
      {fixed_jumprelu(), "at_least_one", true},
      {fixed_jumprelu(), "threshold", 1.5},
      {fixed_jumprelu(), "threshold_learns", true},
      {with(route(), "k", 30), "relu", false},
      {route(), "routing", "soft"},
      {route(), "aggregate", "sum"},
      {route(), "router_bias", false},
      {route(), "scale_by_weight", true},
      {route(), "router_coefficient", 0.0},
      {route(), "balance_coefficient", 0.0},
      {route(), "aux_coefficient", 0.0},
      {route(), "error", "nmse"},
      {batch_topk(), "aux", "scaled"},
      {batch_topk(), "aux", "attached"},
      {with(batch_topk(), "decoder_norm", "never"), "select_by_norm", true},
      {batch_topk(), "encoder_bias", false},
      {batch_topk(), "pre_act_coefficient", 0.1},
      {batch_topk(), "aux", "ghost"},
      {batch_topk(), "l1_coefficient", 0.1},
      {batch_topk(), "threshold_from", "zero"},
      {batch_topk(), "threshold_rate", 0.5},
      {batch_topk(), "threshold_after", 5},
      {jumprelu(), "l0_mode", "tanh"},
      {with(jumprelu(), "l0_mode", "tanh"), "l0_mode", "tanh_quadratic"},
      {with(jumprelu(), "l0_mode", "tanh"), "tanh_scale", 1.0},
      {with(jumprelu(), "l0_mode", "tanh_quadratic"), "tanh_frequency", 0.5},
      {with(jumprelu(), "l0_target", 3.0), "l0_mode", "quadratic"},
      {jumprelu(), "ste_to_input", true},
      {jumprelu(), "log_threshold", true},
      {gated(), "via_gate", "attached"},
      {gated(), "via_gate", "none"},
      {gated(), "sparsity_on", "codes"},
      {with(gated(), "decoder_norm", "never"), "l1", "l1_weighted"},
      {gated(), "l1", "l1_by_element"},
      {gated(), "error", "nmse"},
      {gated(), "tied", true},
      {with(gated(), "b_enc_start", -2.0), "aux_coefficient", 0.1},
      {matryoshka(), "widths", Value::Array{20}},
      {with(matryoshka(), "widths", Value::Array{}), "fractions", Value::Array{0.5, 0.5}},
      {matryoshka(), "level_sum", "mean"},
      {with(matryoshka(), "level_sum", "mean"), "level_sum", "mean_of_shares"},
      {matryoshka(), "level_weights", Value::Array{1.0, 0.5, 2.0}},
      {with(matryoshka(), "b_dec_start", "mean"), "bias_level", true},
      {matryoshka(), "level_aux", true},
      {matryoshka(), "threshold_rate", 0.5},
      {annealed("p_anneal"), "p_end", 0.6},
      {annealed("p_anneal"), "p_start", 0.9},
      {annealed("p_anneal"), "sparsity_function", "lp"},
      {annealed("p_anneal"), "sparsity_coefficient", 0.2},
      {annealed("p_anneal"), "anneal_start", 4},
      {annealed("p_anneal"), "anneal_end", 8},
      {annealed("p_anneal"), "n_sparsity_updates", 0},
      {annealed("p_anneal"), "sparsity_queue_length", 1},
      {annealed("gated_anneal"), "p_end", 0.6},
      {annealed("gated_anneal"), "via_gate", "none"},
  };
  for (const Switch& one : switches)
    EXPECT_FALSE(trained(one.section, short_training()) ==
                 trained(with(one.section, one.key, one.value), short_training()))
        << emit_json(one.section) << ": " << one.key << " = " << emit_json(one.value);
  for (const Value& section : {topk(), relu(), jumprelu(), batch_topk(), gated(), matryoshka()}) {
    const Value in_host = with(section, "error_in", "host");
    EXPECT_FALSE(trained(section, short_training(), "saelens") ==
                 trained(in_host, short_training(), "saelens"));
    for (const char* same : {"none", "expected_average"})  // these treat all rows alike
      EXPECT_TRUE(trained(section, short_training(), same) ==
                  trained(in_host, short_training(), same));
  }
}

TEST(Architectures, learn_otherwise_when_a_switch_of_training_is_flipped) {
  const Value signum = with(short_training(), "optimiser", "signum");
  const Value muon = with(short_training(), "optimiser", "muon");
  const Value above = with(short_training(), "fired_if", "above");
  const Value steps = with(with(short_training(), "dead_after_rows", 0), "dead_after_steps", 1);
  const std::vector<Switch> switches = {
      {short_training(), "warmup_from", "zero"},
      {short_training(), "sparsity_warmup", 0.0},
      {short_training(), "clip_first", true},
      {short_training(), "dead_counted", "after"},
      {short_training(), "clip", 0.0},
      {short_training(), "beta1", 0.5},
      {short_training(), "lr_scale", "latents"},
      {short_training(), "weight_decay", 0.5},
      {short_training(), "optimiser", "signum"},
      {short_training(), "optimiser", "muon"},
      {signum, "momentum", 0.5},
      {muon, "momentum", 0.5},
      {muon, "vector_warmup", 0.5},
      {muon, "weight_decay", 0.5},
      {muon, "optimiser", "signum"},
      {short_training(), "keep_gradients", true},
      {above, "fired_above", 1.2},
      {steps, "dead_after_steps", 3},
  };
  for (const Switch& one : switches)
    EXPECT_FALSE(trained(jumprelu(), one.section) ==
                 trained(jumprelu(), with(one.section, one.key, one.value)))
        << emit_json(one.section) << ": " << one.key << " = " << emit_json(one.value);
  const Value silent = with(with(topk(), "k", 30), "b_enc_start", -1.0);
  const Value negative = with(silent, "relu", false);
  EXPECT_FALSE(trained(negative, short_training()) ==
               trained(negative, with(short_training(), "fired_if", "above")));
  EXPECT_FALSE(trained(silent, short_training()) ==
               trained(silent, with(short_training(), "fired_if", "selected")));
  EXPECT_TRUE(trained(jumprelu(), short_training()) == trained(jumprelu(), steps));
}

TEST(Architectures, jumprelu_tells_saelens_of_thresholds_that_learn_alone) {
  const Shape shape{1, 1, kWidth, kWidth};
  EXPECT_EQ(sae_of(jumprelu(), shape)->saelens().text("architecture"), "jumprelu");
  EXPECT_TRUE(sae_of(fixed_jumprelu(), shape)->saelens().empty());
}

TEST(Architectures, draw_from_the_range_of_their_peers) {
  const std::map<std::string, double> bounds = {{"width", std::sqrt(1.0 / kWidth)},
                                                {"latents", std::sqrt(1.0 / kLatents)},
                                                {"kaiming_latents", std::sqrt(6.0 / kLatents)},
                                                {"xavier", std::sqrt(6.0 / (kWidth + kLatents))}};
  for (const auto& [word, bound] : bounds) {
    const Value section = with(relu(), "encoder_start", word);
    const auto unit = sae_of(section, {1, 1, kWidth, kWidth});
    const Tensor w_enc = param_of(*unit, "W_enc"), w_dec = param_of(*unit, "W_dec");
    EXPECT_LE(w_enc.abs().max().item<double>(), bound) << word;
    EXPECT_GT(w_enc.abs().max().item<double>(), 0.95 * bound) << word;
    EXPECT_TRUE(at::allclose(w_dec, w_enc.t() / w_enc.t().norm(2, {1}, true))) << word;
    const auto drawn = sae_of(with(section, "decoder_init_norm", 0.0), {1, 1, kWidth, kWidth});
    EXPECT_TRUE(param_of(*drawn, "W_dec").equal(param_of(*drawn, "W_enc").t())) << word;
  }
  EXPECT_EQ(refusal_of([] {
              sae_of(with(relu(), "decoder_init_norm", 0.0), {1, 1, kWidth, kWidth});
            }),
            "sae.decoder_init_norm: must be above 0 with encoder_start = \"decoder\"");
}

TEST(Architectures, take_a_peers_word_for_what_is_not_set) {
  const Value by_word = with(with(relu(), "compat", "saelens"), "decoder_init_norm", 0.5);
  Value by_hand = with(with(relu(), "l1", "l1_weighted"), "decoder_norm", "never");
  by_hand = with(with(by_hand, "project_gradient", false), "decoder_init_norm", 0.5);
  EXPECT_TRUE(trained(by_word, short_training()) == trained(by_hand, short_training()));
  const Value& peer = with(short_training(), "compat", "interplm");
  EXPECT_TRUE(
      trained(relu(), peer) ==
      trained(relu(), with(with(short_training(), "warmup_from", "zero"), "clip_first", true)));
}

TEST(Architectures, refuse_what_they_cannot_do) {
  const Shape one{1, 1, kWidth, kWidth}, two{2, 2, kWidth, kWidth};
  EXPECT_EQ(refusal_of([&] { sae_of(with(batch_topk(), "k", 40.5), one); }),
            "sae.k: 40.5 exceeds d_sae (40)");
  EXPECT_EQ(refusal_of([&] { sae_of(with(relu(), "compat", "saelense"), one); }),
            "sae.compat: string \"saelense\", must be one of \"none\", \"bussmann\", "
            "\"dictionary_learning\", \"helix_sae\", \"interplm\", \"routesae\", "
            "\"routesae_repro\", \"saelens\"");
  EXPECT_EQ(
      refusal_of([&] { sae_of(with(jumprelu(), "threshold_learns", false), one); }),
      "sae.l0_coefficient: must be 0 without threshold_learns, for it teaches thresholds alone");
  EXPECT_EQ(refusal_of([&] { sae_of(with(jumprelu(), "at_least_one", true), one); }),
            "sae.at_least_one: needs threshold_learns = false");
  EXPECT_EQ(refusal_of([&] { sae_of(with(jumprelu(), "l0_mode", "quadratic"), one); }),
            "sae.l0_target: must be above 0 with l0_mode = \"quadratic\"");
  EXPECT_EQ(
      refusal_of([&] { sae_of(with(with(jumprelu(), "l0_mode", "tanh"), "l0_target", 3.0), one); }),
      "sae.l0_target: must be 0 with l0_mode = \"tanh\" or \"tanh_quadratic\", which know "
      "no target");
  EXPECT_EQ(refusal_of([&] { sae_of(with(fixed_jumprelu(), "log_threshold", true), one); }),
            "sae.log_threshold: needs threshold_learns, and a threshold above 0");
  for (const Value& section : {relu(), jumprelu(), batch_topk(), gated(), matryoshka()})
    EXPECT_EQ(refusal_of([&] { sae_of(section, two); }),
              "facet.sae." + section.text("type") + ": sae: " + section.text("type") +
                  ": reconstructs the rows of one hookpoint: is given 2 of width 12 and should "
                  "return 2 of width 12");
}

TEST(Architectures, refuse_levels_that_do_not_nest) {
  const auto refusal = [](const std::string& key, const Value& value, const Value& more = {}) {
    return refusal_of([&] {
      sae_of(with(both(matryoshka(), more), key, value), {1, 1, kWidth, kWidth});
    });
  };
  EXPECT_EQ(refusal("widths", Value::Array{20, 20}),
            "sae.widths: should rise from above 0 to d_sae (40), has 20");
  EXPECT_EQ(refusal("widths", Value::Array{0, 20}),
            "sae.widths: should rise from above 0 to d_sae (40), has 0");
  EXPECT_EQ(refusal("widths", Value::Array{20, 41}),
            "sae.widths: should rise from above 0 to d_sae (40), has 41");
  const Value none = Value::Table{{"widths", Value::Array{}}};
  EXPECT_EQ(refusal("fractions", Value::Array{0.5, 0.25}, none),
            "sae.fractions: add up to 0.75, should be 1");
  EXPECT_EQ(refusal("fractions", Value::Array{0.015625, 0.984375}, none),
            "sae.fractions: 0.015625 of d_sae (40) is no latent");
  EXPECT_EQ(refusal("fractions", Value::Array{}, none),
            "sae.fractions: add up to 0.0, should be 1");
  EXPECT_EQ(refusal("level_weights", Value::Array{1.0, 2.0}),
            "sae.level_weights: has 2, there are 3 levels");
  EXPECT_EQ(refusal("level_weights", Value::Array{1.0, 2.0, -1.0}),
            "sae.level_weights: has -1.0, must be at least 0");
}

TEST(Architectures, refuse_updates_of_p_that_do_not_fit_their_steps) {
  const auto refusal = [](const std::string& key, const Value& value) {
    return refusal_of([&] {
      sae_of(with(annealed("p_anneal"), key, value), {1, 1, kWidth, kWidth});
    });
  };
  EXPECT_EQ(refusal("anneal_end", 2), "sae.anneal_end: is 2, should be above anneal_start (2)");
  EXPECT_EQ(refusal("n_sparsity_updates", 10),
            "sae.n_sparsity_updates: is 10, should be 2 to 9, the steps from anneal_start to "
            "anneal_end, or 0");
  EXPECT_EQ(refusal("n_sparsity_updates", 1),
            "sae.n_sparsity_updates: is 1, should be 2 to 9, the steps from anneal_start to "
            "anneal_end, or 0");
  EXPECT_EQ(refusal_of([] {
              sae_of(with(with(annealed("gated_anneal"), "p_end", 0.0), "sparsity_function", "lp"),
                     {1, 1, kWidth, kWidth});
            }),
            "sae.p_end: must be above 0 with sparsity_function = \"lp\"");
}

TEST(Architectures, infer_by_the_threshold_that_training_left) {
  const auto sae = sae_of(batch_topk(), {1, 1, kWidth, kWidth});
  train(*sae, short_training());
  const double threshold = sae->buffers().at(0).value.item<double>();
  EXPECT_GT(threshold, 0);
  const at::NoGradGuard no_grad;
  MemorySource source(some_rows(1));
  const auto normaliser = make_normaliser(architectures(), Value(), "normalize");
  const Pass pass = sae->pass(make_batch(*normaliser, source.next(kRows)), Mode::infer);
  EXPECT_GT(pass.codes.nonzeros(), 0);
  EXPECT_GT(pass.codes.value.min().item<double>(), threshold);
}

}  // namespace facet
