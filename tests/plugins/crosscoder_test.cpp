// crosscoder: its terms over hookpoints, its codes, what is spliced, folded and revived.
#include <facet/torch.h>
#include <gtest/gtest.h>

#include "core/tensor/numbers.h"
#include "expect_refusal.h"
#include "plugins/short_training.h"

namespace facet {
namespace {

constexpr int64_t kPointsRead = 3;
constexpr double kNear = 1e-5;  // relative; sums of some hundred float32 numbers

Value crosscoder() { return Value::Table{{"type", "crosscoder"}, {"d_sae", kLatents}}; }

Batch rows_at_three(int64_t n, const std::string& stream = "rows") {
  Batch out;
  out.input = out.target = random_tensor({n, kPointsRead, kWidth}, stream) + 0.2;
  return out;
}

/// Nothing is zero or of norm 1 by accident.
std::unique_ptr<Sae> uneven_crosscoder(const Value& section) {
  auto sae = sae_of(section, shape_for(section));
  const at::NoGradGuard no_grad;
  for (auto [name, value] : sae->params())
    value.add_(random_tensor(value.sizes().vec(), "uneven " + name) * 0.3);
  return sae;
}

double value_of(Sae& sae, const Batch& batch, const std::string& name) {
  for (const Loss& loss : sae.losses(sae.pass(batch, Mode::train), Step()))
    if (loss.name == name) return loss.value.item<double>();
  ADD_FAILURE() << "no loss " << name;
  return NAN;
}

/// The pre-activations [n, m], a sum over hookpoints, written out.
Tensor pre_of(const Sae& sae, const Tensor& x) {
  Tensor pre = param_of(sae, "b_enc").detach();
  for (int64_t i = 0; i < kPointsRead; ++i)
    pre = pre + x.select(1, i).matmul(param_of(sae, "W_enc").detach()[i]);
  return pre;
}
Tensor output_of(const Sae& sae, const Tensor& z) {
  std::vector<Tensor> points;
  for (int64_t i = 0; i < kPointsRead; ++i)
    points.push_back(z.matmul(sae.decoder(i).detach()) + param_of(sae, "b_dec").detach()[i]);
  return at::stack(points, 1);
}

void expect_close(const Tensor& is, const Tensor& should) {
  EXPECT_LT((is - should).abs().max().item<double>(), kNear * should.abs().max().item<double>());
}

}  // namespace

TEST(Crosscoder, reads_and_writes_every_hookpoint) {
  const auto sae = uneven_crosscoder(crosscoder());
  const Batch batch = rows_at_three(20);
  const at::NoGradGuard no_grad;
  const Pass pass = sae->pass(batch, Mode::train);
  const Tensor z = pre_of(*sae, batch.input).relu();
  expect_close(pass.codes.dense(), z);
  expect_close(pass.output, output_of(*sae, z));
}

TEST(Crosscoder, sums_its_error_over_hookpoints_or_takes_their_mean) {
  const Batch batch = rows_at_three(20);
  for (const char* word : {"mse", "nmse", "mse_by_element", "l2_loss", "fvu"}) {
    const Value section = with(crosscoder(), "error", word);
    const auto sae = uneven_crosscoder(section);
    const at::NoGradGuard no_grad;
    const Tensor square = (sae->pass(batch, Mode::train).output - batch.target).square();
    const Tensor& x = batch.target;
    const Tensor centred = (x - x.mean(0)).square();
    double all = 0, each = 0;
    const std::string name = word;
    if (name == "mse") {
      all = square.sum({1, 2}).mean().item<double>();
      each = all / 3;
    } else if (name == "nmse") {
      all = (square.sum({1, 2}) / x.square().sum({1, 2})).mean().item<double>();
      each = (square.sum(2) / x.square().sum(2)).mean().item<double>();
    } else if (name == "mse_by_element") {
      all = each = square.mean().item<double>();
    } else if (name == "l2_loss") {
      all = square.sum({1, 2}).sqrt().mean().item<double>();
      each = square.sum(2).sqrt().mean().item<double>();
    } else {
      all = (square.sum() / centred.sum()).item<double>();
      each = (square.sum(2).sum(0) / centred.sum(2).sum(0)).mean().item<double>();
    }
    EXPECT_NEAR(value_of(*sae, batch, word), all, kNear * all) << word;
    const auto mean = uneven_crosscoder(with(section, "error_over", "each"));
    EXPECT_NEAR(value_of(*mean, batch, word), each, kNear * each) << word;
  }
}

TEST(Crosscoder, weighs_latents_by_their_norms_at_all_hookpoints) {
  const auto sae = uneven_crosscoder(with(crosscoder(), "l1_coefficient", 0.5));
  const Batch batch = rows_at_three(20);
  const Tensor z = pre_of(*sae, batch.input).relu();
  Tensor norms = at::zeros({kLatents});
  for (int64_t i = 0; i < kPointsRead; ++i) norms += sae->decoder(i).detach().norm(2, {1});
  const double should = 0.5 * (z * norms).sum(1).mean().item<double>();
  EXPECT_NEAR(value_of(*sae, batch, "l1_weighted"), should, kNear * should);
}

TEST(Crosscoder, keeps_k_without_a_penalty_and_others_once_trained) {
  const Batch batch = rows_at_three(20);
  const at::NoGradGuard no_grad;
  const auto nonzeros = [&](const Value& section, Mode mode) {
    return uneven_crosscoder(section)->pass(batch, mode).codes.nonzeros();
  };
  const Value k = with(crosscoder(), "k", 4);
  EXPECT_EQ(nonzeros(k, Mode::train), 20 * 4);
  EXPECT_EQ(
      uneven_crosscoder(k)->losses(uneven_crosscoder(k)->pass(batch, Mode::train), Step()).size(),
      1u);
  for (const Value& section : {k, crosscoder()}) {
    const auto fewer = uneven_crosscoder(with(section, "infer_k", 2));
    const Tensor pre = pre_of(*fewer, batch.input);
    const Codes codes = fewer->pass(batch, Mode::infer).codes;
    EXPECT_EQ(codes.nonzeros(), 20 * 2);
    expect_close(codes.value.view({20, 2}).amax(1), pre.amax(1));
    EXPECT_GT(fewer->pass(batch, Mode::train).codes.nonzeros(), 20 * 2);
    const auto above = uneven_crosscoder(with(section, "theta", 1.5));
    const Tensor z = above->pass(batch, Mode::infer).codes.dense();
    expect_close(z, at::where(pre > 1.5, pre, at::zeros({})));
    EXPECT_GT(z.count_nonzero().item<int64_t>(), 0);
  }
}

TEST(Crosscoder, keeps_negative_ones_as_routesae_does) {
  const Batch batch = rows_at_three(6);
  const at::NoGradGuard no_grad;
  for (const bool relu : {true, false}) {
    const auto sae = uneven_crosscoder(with(with(crosscoder(), "infer_k", kLatents), "relu", relu));
    const Tensor pre = pre_of(*sae, batch.input);
    ASSERT_LT(pre.min().item<double>(), 0);
    expect_close(sae->pass(batch, Mode::infer).codes.dense(), relu ? pre.relu() : pre);
  }
  const Value peer = with(with(crosscoder(), "compat", "routesae"), "infer_k", kLatents);
  EXPECT_LT(uneven_crosscoder(with(peer, "decoder_bias", true))
                ->pass(batch, Mode::infer)
                .codes.value.min()
                .item<double>(),
            0);
}

TEST(Crosscoder, splices_what_the_clean_pass_made_of_a_hookpoint) {
  const auto sae = uneven_crosscoder(crosscoder());
  const Batch batch = rows_at_three(10);
  const at::NoGradGuard no_grad;
  const Pass seen = sae->pass(batch, Mode::infer);
  for (int64_t point = 0; point < kPointsRead; ++point) {
    const Tensor live = batch.input.select(1, point).to(at::kDouble) * 1.5;
    const Spliced spliced = sae->splice(point, live, seen);
    EXPECT_TRUE(spliced.replaced.all().item<bool>());
    EXPECT_EQ(spliced.rows.dtype(), at::kDouble);
    EXPECT_TRUE(at::equal(spliced.rows.to(at::kFloat), seen.output.select(1, point)));
  }
}

TEST(Crosscoder, sets_rows_to_norm_one_at_each_hookpoint_every_so_many_steps) {
  const auto norms = [](const Sae& sae) { return param_of(sae, "W_dec").detach().norm(2, {2}); };
  const Value section = with(with(crosscoder(), "decoder_norm_every", 4), "k", 4);
  const auto sae = sae_of(section, shape_for(section));
  const Batch batch = rows_at_three(10);
  for (int64_t index = 0; index < 9; ++index) {
    {
      const at::NoGradGuard no_grad;
      param_of(*sae, "W_dec").mul_(3);
    }
    Step step;
    step.index = index;
    sae->losses(sae->pass(batch, Mode::train), step);
    sae->after_step();
    EXPECT_EQ((norms(*sae) - 1).abs().max().item<double>() < 1e-5, index % 4 == 0) << index;
  }
  const auto free = sae_of(crosscoder(), shape_for(crosscoder()));
  EXPECT_LT((norms(*free) - 0.1).abs().max().item<double>(), 1e-6);
  EXPECT_TRUE(at::allclose(param_of(*free, "W_enc"), param_of(*free, "W_dec").permute({1, 2, 0})));
}

TEST(Crosscoder, folds_a_normaliser_hookpoint_by_hookpoint) {
  const at::NoGradGuard no_grad;
  const Tensor raw = random_tensor({30, kPointsRead, kWidth}, "raw") *
                         at::tensor({1.0f, 4.0f, 20.0f}).view({1, 3, 1}) +
                     at::tensor({5.0f, -1.0f, 0.0f}).view({1, 3, 1});
  for (const char* name : {"mean", "expected_average", "whitening"})
    for (const Value& section : {crosscoder(), with(crosscoder(), "k", 4)}) {
      SCOPED_TRACE(name + emit_json(section));
      const auto normaliser = make_normaliser(architectures(), name, "normalize");
      MemorySource source(raw.repeat({10, 1, 1}));
      normaliser->fit(source, 300);
      const auto sae = uneven_crosscoder(section);
      Rows rows;
      rows.x = raw;
      const Batch batch = make_batch(*normaliser, rows);
      const Pass before = sae->pass(batch, Mode::infer);
      const Tensor back = normaliser->invert(before.output, batch.stats);
      ASSERT_TRUE(normaliser->fold(*sae));
      Batch plain;
      plain.input = plain.target = raw;
      const Pass after = sae->pass(plain, Mode::infer);
      EXPECT_TRUE(at::equal(after.codes.latent, before.codes.latent));
      expect_close(after.codes.value, before.codes.value);
      expect_close(after.output, back);
    }
  const auto mean = make_normaliser(architectures(), "mean", "normalize");
  MemorySource source(raw);
  mean->fit(source, 30);
  const auto without = sae_of(with(crosscoder(), "decoder_bias", false), shape_for(crosscoder()));
  EXPECT_FALSE(mean->fold(*without));
}

TEST(Crosscoder, revives_latents_from_all_hookpoints_of_a_row) {
  const auto sae = sae_of(crosscoder(), shape_for(crosscoder()));
  const at::NoGradGuard no_grad;
  const Batch batch = rows_at_three(2);
  sae->revive(at::tensor({6, 9}, at::kLong), batch);
  const Tensor x = batch.input / batch.input.flatten(1).norm(2, {1}).view({2, 1, 1});
  const Tensor read = param_of(*sae, "W_enc").permute({2, 0, 1});  // [m, points, d]
  for (const auto& [latent, row] : {std::pair{6, 0}, std::pair{9, 1}}) {
    expect_close(param_of(*sae, "W_dec")[latent], x[row]);
    expect_close(read[latent] / read[latent].norm(), x[row]);
    EXPECT_EQ(param_of(*sae, "b_enc")[latent].item<double>(), 0);
  }
  const Value unit = with(crosscoder(), "decoder_norm_every", 5);
  const auto normed = sae_of(unit, shape_for(unit));
  normed->revive(at::tensor({6, 9}, at::kLong), batch);
  EXPECT_NEAR(param_of(*normed, "W_dec")[6][1].norm().item<double>(), 1, 1e-6);
}

TEST(Crosscoder, records_what_each_hookpoint_lacks) {
  const auto sae = uneven_crosscoder(crosscoder());
  const Batch batch = rows_at_three(20);
  const Pass pass = sae->pass(batch, Mode::train);
  const Figures figures = sae->figures(pass);
  ASSERT_EQ(figures.size(), 3u);
  for (int64_t i = 0; i < kPointsRead; ++i) {
    EXPECT_EQ(figures[i].first, "nmse_" + std::to_string(i));
    const Tensor x = batch.target.select(1, i), output = pass.output.select(1, i).detach();
    expect_close(figures[i].second, ((output - x).square().sum(1) / x.square().sum(1)).mean());
  }
}

TEST(Crosscoder, goes_on_bit_for_bit_after_a_stop) {
  for (const Value& section :
       {crosscoder(), with(crosscoder(), "k", 4), with(crosscoder(), "compat", "routesae"),
        with(with(crosscoder(), "k", 4), "aux_coefficient", 0.1),
        with(crosscoder(), "b_dec_start", "mean")})
    for (const int64_t stop_after : {1, 5, 11}) expect_same_after_a_stop(section, {}, stop_after);
  expect_same_after_a_stop(with(crosscoder(), "k", 4),
                           Value::Table{{"revive_every", 4}, {"decay", 0.0}}, 5);
}

TEST(Crosscoder, learns_otherwise_when_a_switch_is_flipped) {
  const Value k = with(crosscoder(), "k", 4);
  const std::tuple<Value, std::string, Value> switches[] = {
      {crosscoder(), "error", "nmse"},
      {crosscoder(), "error_over", "each"},
      {crosscoder(), "l1_coefficient", 0.1},
      {crosscoder(), "l1", "l1"},
      {crosscoder(), "l1", "l1_by_element"},
      {crosscoder(), "k", 4},
      {with(crosscoder(), "k", 39), "relu", false},
      {crosscoder(), "decoder_bias", false},
      {crosscoder(), "b_dec_start", "mean"},
      {crosscoder(), "encoder_start", "width"},
      {crosscoder(), "decoder_init_norm", 1.0},
      {crosscoder(), "decoder_norm_every", 3},
      {k, "aux_coefficient", 0.1},
      {with(k, "aux_coefficient", 0.1), "k_aux", 1},
  };
  for (const auto& [section, key, value] : switches)
    EXPECT_FALSE(trained(section, short_training()) ==
                 trained(with(section, key, value), short_training()))
        << emit_json(section) << ": " << key << " = " << emit_json(value);
  EXPECT_TRUE(trained(k, short_training()) ==
              trained(with(k, "l1_coefficient", 0.5), short_training()));
}

TEST(Crosscoder, refuses_what_it_cannot_do) {
  const auto refusal = [](const Value& section, const Shape& shape) {
    return refusal_of([&] { sae_of(section, shape); });
  };
  const Shape three{3, 3, kWidth, kWidth};
  EXPECT_EQ(refusal(crosscoder(), {1, 1, kWidth, kWidth}),
            "facet.sae.crosscoder: sae: crosscoder: reconstructs several hookpoints of one width: "
            "is given 1 of width 12 and should return width 12");
  EXPECT_EQ(refusal(crosscoder(), {3, 1, kWidth, kWidth}),
            "facet.sae.crosscoder: sae: crosscoder: reconstructs the hookpoints that it reads: is "
            "given 3 and should return 1");
  EXPECT_EQ(refusal(crosscoder(), {3, 3, kWidth, kWidth, true}),
            "facet.sae.crosscoder: sae: crosscoder: reconstructs several hookpoints of one width: "
            "is given a target of other hookpoints");
  EXPECT_EQ(refusal(with(crosscoder(), "k", 41), three), "sae.k: 41 exceeds d_sae (40)");
  EXPECT_EQ(refusal(with(crosscoder(), "infer_k", 41), three),
            "sae.infer_k: 41 exceeds d_sae (40)");
  EXPECT_EQ(refusal(with(with(crosscoder(), "infer_k", 4), "theta", 0.5), three),
            "sae: infer_k and theta exclude each other");
  EXPECT_EQ(refusal(with(crosscoder(), "decoder_init_norm", 0.0), three),
            "sae.decoder_init_norm: must be above 0 with encoder_start = \"decoder\"");
}

}  // namespace facet
