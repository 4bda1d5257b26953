// Terms and estimates with numbers worked out by hand, or by a formula in plain LibTorch.
#include <facet/torch.h>

#include <cmath>

#include "expect_refusal.h"
#include "plugins/short_training.h"

namespace facet {
namespace {

constexpr double kHand = 1e-5;  // relative: float32 products of a few numbers

void set_param(const Sae& sae, const std::string& name, const std::vector<float>& numbers) {
  const at::NoGradGuard no_grad;
  Tensor param = param_of(sae, name);
  param.copy_(torch::tensor(numbers).view(param.sizes()));
}

/// An SAE of m latents that are the dimensions of its rows, decoded as themselves.
std::unique_ptr<Sae> of_dimensions(Value section, int64_t m) {
  section.set("d_sae", m);
  section.set("centre", false);
  auto sae = sae_of(section, {1, 1, m, m});
  const at::NoGradGuard no_grad;
  for (const char* name : {"W_enc", "W_dec"}) param_of(*sae, name).copy_(at::eye(m));
  return sae;
}

Batch rows_of(const std::vector<float>& numbers, int64_t d) {
  Batch batch;
  batch.input = batch.target = torch::tensor(numbers).view({-1, 1, d});
  return batch;
}

Tensor loss_of(const Losses& losses, const std::string& name) {
  for (const Loss& loss : losses)
    if (loss.name == name) return loss.value;
  throw Bug("no loss " + name);
}

void expect_number(const Tensor& is, double hand) {
  EXPECT_NEAR(is.item<double>(), hand, kHand * std::max(1.0, std::abs(hand)));
}

void expect_numbers(const Tensor& is, const std::vector<float>& hand) {
  EXPECT_TRUE(at::allclose(is.flatten(), torch::tensor(hand), kHand, kHand))
      << is << "should be " << torch::tensor(hand);
}

Tensor gradient_of(const Sae& sae, const std::string& name) {
  const Tensor gradient = param_of(sae, name).grad();
  return gradient.defined() ? gradient : at::zeros_like(param_of(sae, name).detach());
}

// jumprelu -------------------------------------------------------------------------------------

constexpr float kTheta = 1e-3F, kWindow = 1e-3F;  // threshold and bandwidth

Value near_threshold(const Value& more = {}) {
  return both(Value::Table{{"type", "jumprelu"},
                           {"threshold", static_cast<double>(kTheta)},
                           {"bandwidth", static_cast<double>(kWindow)},
                           {"l0_coefficient", 1.0}},
              more);
}

/// One row, whose pre-activations are just outside and just inside the window of the threshold.
Batch around_threshold() {
  return rows_of({kTheta - 0.51F * kWindow, kTheta - 0.49F * kWindow, kTheta + 0.49F * kWindow,
                  kTheta + 0.51F * kWindow},
                 4);
}

TEST(GateFormulas, a_threshold_learns_from_rows_within_half_a_bandwidth) {
  const auto sae = of_dimensions(near_threshold(), 4);
  sae->pass(around_threshold(), Mode::train).notes.at("active").sum().backward();
  expect_numbers(gradient_of(*sae, "threshold"), {0, -1, -1, 0});  // threshold / bandwidth is 1
  expect_numbers(gradient_of(*sae, "b_enc"), {0, 0, 1, 1});
  const auto other = of_dimensions(near_threshold(Value::Table{{"ste_to_input", true}}), 4);
  other->pass(around_threshold(), Mode::train).notes.at("active").sum().backward();
  expect_numbers(gradient_of(*other, "threshold"), {0, -1, -1, 0});
  expect_numbers(gradient_of(*other, "b_enc"), {0, 1, 2, 1});
}

TEST(GateFormulas, l0_on_codes_learns_nothing_from_rows_below_the_threshold) {
  const std::vector<std::pair<Value, std::vector<float>>> cases = {
      {Value::Table{{"l0_on", "pre"}}, {0, -1000, -1000, 0}},
      {Value::Table{{"l0_on", "post"}}, {0, 0, -1000, 0}}};
  for (const auto& [more, hand] : cases)
    for (const bool to_input : {false, true}) {
      const auto sae = of_dimensions(with(near_threshold(more), "ste_to_input", to_input), 4);
      const Pass pass = sae->pass(around_threshold(), Mode::train);
      const Tensor l0 = loss_of(sae->losses(pass, {}), "l0_penalty");
      expect_number(l0, 2);
      const Tensor on = pass.notes.at(more.text("l0_on") == "pre" ? "pre" : "active");
      on.retain_grad();
      l0.backward();
      // The estimate for z reaches the threshold a second time, by the jump.
      const bool twice = to_input && more.text("l0_on") == "post";
      if (!twice) expect_numbers(gradient_of(*sae, "threshold"), hand);
      if (to_input)
        expect_numbers(-on.grad(), hand);
      else
        EXPECT_FALSE(on.grad().defined());
    }
}

TEST(GateFormulas, the_gradient_of_a_log_threshold_is_the_thresholds_times_it) {
  const Value section = with(jumprelu(), "l0_mode", "step");
  const auto plain = sae_of(section, {1, 1, kWidth, kWidth});
  const auto logged = sae_of(with(section, "log_threshold", true), {1, 1, kWidth, kWidth});
  const Tensor threshold = at::linspace(0.3, 1.3, kLatents);
  Batch batch;
  batch.input = batch.target = some_rows(1);
  Step step;
  step.dead = at::arange(kLatents).lt(10);
  for (Sae* sae : {plain.get(), logged.get()}) {
    {
      const at::NoGradGuard no_grad;
      for (auto [name, value] : sae->params()) {
        if (name == "threshold") value.copy_(threshold);
        if (name == "log_threshold") value.copy_(threshold.log());
      }
    }
    Tensor total = at::zeros({});
    for (const Loss& loss : sae->losses(sae->pass(batch, Mode::train), step))
      total = total + loss.value;
    total.backward();
  }
  const Tensor by_threshold = gradient_of(*plain, "threshold");
  EXPECT_GT(by_threshold.abs().min().item<double>(), 0);
  EXPECT_TRUE(at::allclose(gradient_of(*logged, "log_threshold"), by_threshold * threshold, 1e-4));
  EXPECT_TRUE(at::allclose(gradient_of(*logged, "W_enc"), gradient_of(*plain, "W_enc"), 1e-4));
  const auto form = logged->inference_form();
  ASSERT_TRUE(form);
  EXPECT_TRUE(logged->saelens().empty());
  EXPECT_EQ(form->tensors.back().first, "threshold");
  EXPECT_TRUE(at::allclose(form->tensors.back().second, threshold));
}

// Two rows with 2 and 1 latents above 0.5, of which 4 are wanted: 2 / 4 x (2^2 + 3^2) / 2.
TEST(GateFormulas, the_quadratic_l0_term_is_taken_row_by_row) {
  const Value section = Value::Table{{"type", "jumprelu"},
                                     {"threshold", 0.5},
                                     {"l0_coefficient", 2.0},
                                     {"l0_mode", "quadratic"},
                                     {"l0_target", 4.0}};
  const auto sae = of_dimensions(section, 4);
  const Pass pass = sae->pass(rows_of({1, 2, 0, 0, 0, 0.6F, 0.4F, 0}, 4), Mode::train);
  expect_number(loss_of(sae->losses(pass, {}), "l0_penalty"), 2 * 3.25);
}

TEST(GateFormulas, the_tanh_of_codes_stands_for_their_number) {
  Value section = Value::Table{{"type", "jumprelu"},
                               {"threshold", 0.1},
                               {"l0_coefficient", 0.5},
                               {"l0_mode", "tanh"},
                               {"decoder_norm", "never"}};
  const Batch batch = rows_of({0.25F, 0.05F, 0.5F, 1}, 2);  // the second is below the threshold
  const auto sae = of_dimensions(section, 2);
  set_param(*sae, "W_dec", {3, 4, 0, 1});  // norms 5 and 1
  const double a = std::tanh(4 * 0.25 * 5), b = std::tanh(4 * 0.5 * 5), c = std::tanh(4 * 1.0);
  const Tensor tanh = loss_of(sae->losses(sae->pass(batch, Mode::train), {}), "l0_penalty");
  expect_number(tanh, 0.5 * (a + b + c) / 2);
  tanh.backward();
  EXPECT_GT(gradient_of(*sae, "W_dec").abs().max().item<double>(), 0) << "norms learn from it";
  section.set("l0_mode", "tanh_quadratic");
  section.set("tanh_frequency", 0.25);
  section.set("tanh_scale", 2.0);
  const auto other = of_dimensions(section, 2);
  set_param(*other, "W_dec", {3, 4, 0, 1});
  const double p = (std::tanh(2 * 0.25 * 5) + std::tanh(2 * 0.5 * 5)) / 2, q = std::tanh(2.0) / 2;
  expect_number(loss_of(other->losses(other->pass(batch, Mode::train), {}), "l0_penalty"),
                0.5 * (p * (1 + p / 0.25) + q * (1 + q / 0.25)));
}

// gated ----------------------------------------------------------------------------------------

// One latent of one dimension: u = (1.5 - 0.5) 2 = 2, g = 2.25, z = 2 u - 1 = 3, x^ = 9.5, and by
// the gate alone 7.25.
std::unique_ptr<Sae> one_gate(const Value& more = {}) {
  const Value section = Value::Table{
      {"type", "gated"}, {"d_sae", 1}, {"l1_coefficient", 0.1}, {"decoder_norm", "never"}};
  auto sae = sae_of(both(section, more), {1, 1, 1, 1});
  set_param(*sae, "W_enc", {2});
  set_param(*sae, "W_dec", {3});
  set_param(*sae, "b_dec", {0.5});
  set_param(*sae, "b_gate", {0.25});
  set_param(*sae, "r_mag", {std::log(2.0F)});
  set_param(*sae, "b_mag", {-1});
  return sae;
}

Losses losses_with_gradients(Sae& sae, const Batch& batch) {
  Losses losses = sae.losses(sae.pass(batch, Mode::train), {});
  Tensor total = at::zeros({});
  for (const Loss& loss : losses) total = total + loss.value;
  total.backward();
  return losses;
}

TEST(GateFormulas, the_gate_reconstructs_with_a_decoder_that_learns_from_it_or_not) {
  const Batch batch = rows_of({1.5}, 1);
  const auto detached = one_gate();
  const Losses losses = losses_with_gradients(*detached, batch);
  expect_number(loss_of(losses, "mse"), 64);
  expect_number(loss_of(losses, "l1"), 0.225);
  expect_number(loss_of(losses, "via_gate"), 33.0625);
  expect_number(gradient_of(*detached, "W_dec"), 48);              // 2 x 8 x z
  expect_number(gradient_of(*detached, "b_dec"), 16 - 2 * 130.6);  // 2 x 8, and by centring
  const auto attached = one_gate(Value::Table{{"via_gate", "attached"}});
  losses_with_gradients(*attached, batch);
  expect_number(gradient_of(*attached, "W_dec"), 48 + 25.875);  // 2 x 5.75 x g
  expect_number(gradient_of(*attached, "b_dec"), 16 + 11.5 - 2 * 130.6);
  for (const Sae* sae : {detached.get(), attached.get()}) {
    expect_number(gradient_of(*sae, "b_gate"), 34.6);  // 2 x 5.75 x 3 + 0.1
    expect_number(gradient_of(*sae, "b_mag"), 48);     // 2 x 8 x 3
    expect_number(gradient_of(*sae, "r_mag"), 192);    // x exp(r_mag) u
    expect_number(gradient_of(*sae, "W_enc"), 130.6);  // 48 x 2 + 34.6
  }
  EXPECT_EQ(detached->estimated(), std::vector<std::string>{"via_gate"});
  EXPECT_TRUE(attached->estimated().empty());
}

TEST(GateFormulas, routesaes_gate_learns_nothing) {
  const auto sae = one_gate(Value::Table{{"compat", "routesae"}, {"l1_coefficient", 0.5}});
  const Losses losses = losses_with_gradients(*sae, rows_of({1.5}, 1));
  ASSERT_EQ(losses.size(), 2U);
  expect_number(loss_of(losses, "nmse"), 64 / 2.25);
  expect_number(loss_of(losses, "l1_by_element"), 1.5);  // 0.5 z
  EXPECT_EQ(gradient_of(*sae, "b_gate").abs().max().item<double>(), 0);
  EXPECT_GT(gradient_of(*sae, "b_mag").abs().max().item<double>(), 0);
}

TEST(GateFormulas, a_closed_gate_silences_a_magnitude) {
  const auto sae = one_gate();
  set_param(*sae, "b_gate", {-2});  // g = 0 is closed
  const Pass pass = sae->pass(rows_of({1.5}, 1), Mode::infer);
  EXPECT_EQ(pass.codes.nonzeros(), 0);
  expect_number(pass.output, 0.5);
}

// batch_topk and matryoshka ----------------------------------------------------------------------

Value batch_of_2(const std::string& type, const std::string& compat) {
  Value out = Value::Table{{"type", type}, {"compat", compat}, {"k", 1}, {"b_dec_start", "zero"}};
  if (type == "matryoshka") out.set("widths", Value::Array{1});
  return out;
}

// Two rows keep two activations, 100 and the given one.
double threshold_after(Sae& sae, float least) {
  sae.pass(rows_of({100, 0, 0, least}, 2), Mode::train);
  for (const Buffer& buffer : sae.buffers())
    if (buffer.name == "threshold") return buffer.value.item<double>();
  throw Bug("no threshold");
}

TEST(GateFormulas, the_threshold_follows_the_least_kept_activations) {
  for (const char* type : {"batch_topk", "matryoshka"}) {
    const auto saelens = of_dimensions(batch_of_2(type, "saelens"), 2);
    EXPECT_NEAR(threshold_after(*saelens, 4), 0.04, 1e-9);  // from 0, by 0.01
    EXPECT_NEAR(threshold_after(*saelens, 2), 0.0596, 1e-9);
    EXPECT_NEAR(threshold_after(*saelens, 8), 0.139004, 1e-9);
    const auto other = of_dimensions(batch_of_2(type, "dictionary_learning"), 2);
    for (int step = 0; step <= 1000; ++step) EXPECT_EQ(threshold_after(*other, 3), -1);
    EXPECT_EQ(threshold_after(*other, 4), 4);  // the first one as it is, then by 0.001
    EXPECT_NEAR(threshold_after(*other, 2), 3.998, 1e-9);
    EXPECT_NEAR(threshold_after(*other, 8), 4.002002, 1e-9);
  }
}

// The row (1, 2, 3) with b_dec = (1, 0, 0) and every latent kept. Squared errors of b_dec alone,
// and of 1, 2 and 3 latents: 4 + 9, 1 + 4 + 9, 1 + 9, 1.
std::unique_ptr<Sae> three_levels(const Value& more) {
  const Value section = Value::Table{
      {"type", "matryoshka"}, {"k", 3}, {"widths", Value::Array{1, 2}}, {"aux_coefficient", 0.0}};
  auto sae = of_dimensions(both(section, more), 3);
  set_param(*sae, "b_dec", {1, 0, 0});
  return sae;
}

TEST(GateFormulas, levels_are_brought_together_as_each_peer_does) {
  struct Case {
    Value more;
    std::vector<std::pair<std::string, double>> hand;
  };
  using T = Value::Table;
  const std::vector<Case> cases = {
      {T{{"compat", "saelens"}}, {{"mse", 1}, {"mse_1", 14}, {"mse_2", 10}}},
      {T{}, {{"mse", 1}, {"mse_1", 14}, {"mse_2", 10}}},
      {T{{"compat", "dictionary_learning"}},
       {{"mse", 1 / 9.0}, {"mse_1", 14 / 9.0}, {"mse_2", 10 / 9.0}}},
      {T{{"compat", "dictionary_learning"},
         {"level_sum", "mean"},
         {"level_weights", Value::Array{0.5, 0.3, 0.2}}},
       {{"mse", 0.2 / 3}, {"mse_1", 7.0 / 3}, {"mse_2", 1.0}}},
      {T{{"compat", "bussmann"}},
       {{"mse_by_element", 1 / 12.0},
        {"mse_by_element_0", 13 / 12.0},
        {"mse_by_element_1", 14 / 12.0},
        {"mse_by_element_2", 10 / 12.0}}}};
  for (const Case& one : cases) {
    SCOPED_TRACE(emit_json(one.more));
    const auto sae = three_levels(one.more);
    const Losses losses = sae->losses(sae->pass(rows_of({1, 2, 3}, 3), Mode::train), {});
    ASSERT_EQ(losses.size(), one.hand.size());
    EXPECT_EQ(losses[0].name, one.hand[0].first) << "the whole dictionary is first";
    for (const auto& [name, value] : one.hand) expect_number(loss_of(losses, name), value);
  }
}

// Rows of 6 dimensions, of which the 2nd, 4th and 6th latent are dead; each level's auxk is the one
// of its own dead latents against what its level leaves over.
TEST(GateFormulas, auxk_by_levels_is_each_levels_own) {
  const Value section =
      Value::Table{{"type", "matryoshka"},         {"compat", "saelens"}, {"k", 1},
                   {"widths", Value::Array{2, 4}}, {"level_aux", true},   {"aux_coefficient", 0.5},
                   {"select_by_norm", false}};
  const auto sae = of_dimensions(section, 6);
  Step step;
  step.dead = at::tensor({0, 1, 0, 1, 0, 1}).to(at::kBool);
  const Batch batch = rows_of({9, -1, 8, 3, 1, 2}, 6);  // 9 is kept
  const Losses losses = sae->losses(sae->pass(batch, Mode::train), step);
  // What is left: (0, -1, 8, 3, 1, 2) at each level. Of half of 6 latents each level has one that
  // is dead, which weighs 1/3: -1, 3 and 2 themselves, ReLU or not.
  const double rest = 1 + 64 + 9 + 1 + 4;
  expect_number(loss_of(losses, "auxk"), 0.5 / 3 * ((rest - 1) + (rest - 9) + (rest - 4)));
}

// p_anneal -------------------------------------------------------------------------------------

TEST(GateFormulas, the_lp_penalty_and_its_root) {
  for (const auto& [function, hand] :
       {std::pair{"lp_p", 0.25 * (3 + 2) / 2}, std::pair{"lp", 0.25 * (9 + 4) / 2}}) {
    const auto sae = of_dimensions(Value::Table{{"type", "p_anneal"},
                                                {"p_start", 0.5},
                                                {"p_end", 0.25},
                                                {"sparsity_coefficient", 0.25},
                                                {"sparsity_function", function}},
                                   2);
    const Losses losses = sae->losses(sae->pass(rows_of({1, 4, 4, -2}, 2), Mode::train), {});
    expect_number(loss_of(losses, "lp"), hand);
    loss_of(losses, "lp").backward();
    EXPECT_TRUE(at::isfinite(gradient_of(*sae, "b_enc")).all().item<bool>()) << "at z = 0";
  }
}

TEST(GateFormulas, p_falls_and_its_coefficient_keeps_the_penalty_as_large) {
  const auto sae = of_dimensions(Value::Table{{"type", "p_anneal"},
                                              {"p_end", 0.0},
                                              {"sparsity_coefficient", 0.5},
                                              {"anneal_start", 1},
                                              {"anneal_end", 5},
                                              {"n_sparsity_updates", 3},
                                              {"sparsity_queue_length", 1}},
                                 2);
  // Of codes (4, 9) the penalty is 13, at p = 0.5 it is 5, and at p = 0 there are 2 of them.
  const std::vector<std::pair<double, double>> p_and_coefficient = {
      {1, 0.5},          // step 0
      {1, 0.5},          // 1: the first update, to p_start
      {1, 0.5},          // 2
      {1, 0.5},          // 3: the second
      {0.5, 0.5 * 2.6},  // 4
      {0.5, 0.5 * 2.6},  // 5: the third
      {0, 0.5 * 6.5},    // 6
      {0, 0.5 * 6.5}};
  for (size_t i = 0; i < p_and_coefficient.size(); ++i) {
    SCOPED_TRACE(i);
    Step step;
    step.index = static_cast<int64_t>(i);
    const Pass pass = sae->pass(rows_of({4, 9}, 2), Mode::train);
    expect_number(loss_of(sae->losses(pass, step), "lp"), 6.5);
    const Figures figures = sae->figures(pass);
    EXPECT_EQ(figures[0].first, "p");
    expect_number(figures[0].second, p_and_coefficient[i].first);
    EXPECT_EQ(figures[1].first, "sparsity_coefficient");
    expect_number(figures[1].second, p_and_coefficient[i].second);
    const at::NoGradGuard no_grad;
    sae->after_step();
  }
}

// With p = 1 throughout the penalty is l1.
TEST(GateFormulas, before_p_falls_annealed_saes_learn_as_plain_ones) {
  for (const auto& [annealed, plain] :
       {std::pair{"p_anneal", "relu"}, std::pair{"gated_anneal", "gated"}}) {
    const Shape shape{1, 1, kWidth, kWidth};
    const auto a =
        sae_of(Value::Table{{"type", annealed}, {"d_sae", kLatents}, {"sparsity_coefficient", 0.3}},
               shape);
    const auto b =
        sae_of(Value::Table{{"type", plain}, {"d_sae", kLatents}, {"l1_coefficient", 0.3}}, shape);
    train(*a, short_training());
    train(*b, short_training());
    for (const auto& [name, value] : b->params())
      EXPECT_TRUE(at::allclose(param_of(*a, name), value, 1e-5, 1e-6)) << annealed << " " << name;
  }
}

}  // namespace
}  // namespace facet
