// The architecture topk, through the same door as any plugin.
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>

#include "core/tensor/numbers.h"
#include "expect_refusal.h"
#include "facet/ops.h"
#include "facet/torch.h"
#include "plugin/loader.h"

namespace facet {
namespace {

constexpr int64_t kRows = 12, kWidth = 10, kLatents = 40, kActive = 4;

const SaePart& topk() {
  static Registry registry;
  static const PluginInfo info =
      load_plugin(std::filesystem::path(FACET_TEST_PLUGINS) / "topk.so", registry);
  return registry.sae("topk");
}

Value table(std::initializer_list<std::pair<const char*, Value>> members) {
  Value value{Value::Table()};
  for (const auto& [key, member] : members) value.set(key, member);
  return value;
}

AnyParams parsed(const Value& given) {
  std::vector<std::string> problems;
  AnyParams params = topk().schema.parse("sae", given, Demand::whole, problems);
  if (!problems.empty()) throw UserError(problems);
  return params;
}

std::unique_ptr<Sae> made(Value given, int64_t width = kWidth, uint64_t seed = 5) {
  if (!given.find("d_sae")) given.set("d_sae", kLatents);
  if (!given.find("k")) given.set("k", kActive);
  Init init(seed);
  return topk().make(parsed(given), Shape{1, 1, width, width}, init);
}

Tensor param(const Sae& sae, const std::string& name) {
  for (const auto& [known, value] : sae.params())
    if (known == name) return value;
  throw Bug("no parameter " + name);
}

void set(const Sae& sae, const std::string& name, const Tensor& value) {
  const at::NoGradGuard no_grad;
  param(sae, name).copy_(value);
}

Batch batch_of(const Tensor& x) {
  Batch batch;
  batch.input = x.unsqueeze(1);
  batch.target = batch.input;
  return batch;
}

Batch some_batch() { return batch_of(random_tensor({kRows, kWidth}, "rows")); }

/// A step in which every latent that stays silent in `pass` is dead.
Step step_with_silent_dead(const Pass& pass) {
  Step step;
  step.dead = at::ones({pass.codes.d_sae}, at::kBool);
  step.dead.index_fill_(0, pass.codes.latent.to(at::kLong), false);
  return step;
}

std::string names_of(const Losses& losses) {
  std::string names;
  for (const Loss& loss : losses) names += loss.name + " ";
  return names;
}

TEST(TopK, keeps_exactly_k_per_row) {
  const auto sae = made(table({}));
  for (const Mode mode : {Mode::train, Mode::infer}) {
    const Codes codes = sae->pass(some_batch(), mode).codes;
    EXPECT_TRUE(codes.start.diff().equal(at::full({kRows}, kActive, at::kLong)));
    EXPECT_TRUE(codes.value.ge(0).all().item<bool>());
  }
}

TEST(TopK, keeps_negative_values_without_relu) {
  const auto sae = made(table({{"relu", false}, {"k", kLatents}}));
  const Batch batch = some_batch();
  const Tensor pre = ops::pre_activations(batch.input.select(1, 0), param(*sae, "W_enc"),
                                          param(*sae, "b_enc"), param(*sae, "b_dec"));
  EXPECT_LT(worst(sae->pass(batch, Mode::infer).codes.dense(), pre), 1e-6);
  EXPECT_LT(pre.min().item<double>(), 0);
}

TEST(TopK, keeps_every_latent_when_k_is_their_number) {
  const auto sae = made(table({{"k", kLatents}}));
  EXPECT_EQ(sae->pass(some_batch(), Mode::train).codes.nonzeros(), kRows * kLatents);
}

TEST(TopK, codes_each_row_alone) {
  constexpr double kAlone = 1e-6;  // a product with one row may be summed in another order
  const auto sae = made(table({}));
  const Batch batch = some_batch();
  const Codes together = sae->pass(batch, Mode::infer).codes;
  for (int64_t i = 0; i < kRows; ++i) {
    const Codes alone =
        sae->pass(batch_of(batch.input.select(1, 0).slice(0, i, i + 1)), Mode::infer).codes;
    EXPECT_TRUE(alone.latent.equal(together.slice(i, i + 1).latent));
    EXPECT_LT(worst(alone.value, together.slice(i, i + 1).value), kAlone);
  }
}

TEST(TopK, can_keep_another_number_once_trained) {
  const auto sae = made(table({{"infer_k", 7}}));
  EXPECT_EQ(sae->pass(some_batch(), Mode::train).codes.nonzeros(), kRows * kActive);
  EXPECT_EQ(sae->pass(some_batch(), Mode::infer).codes.nonzeros(), kRows * 7);
}

TEST(TopK, can_keep_all_above_a_threshold_once_trained) {
  const auto sae = made(table({{"theta", 0.75}}));
  const Batch batch = some_batch();
  const Tensor pre = ops::pre_activations(batch.input.select(1, 0), param(*sae, "W_enc"),
                                          param(*sae, "b_enc"), param(*sae, "b_dec"));
  EXPECT_TRUE(sae->pass(batch, Mode::infer).codes.dense().equal(pre * (pre > 0.75)));
  EXPECT_EQ(sae->pass(batch, Mode::train).codes.nonzeros(), kRows * kActive);
}

TEST(TopK, starts_with_the_encoder_equal_to_the_decoder) {
  const auto sae = made(table({}));
  EXPECT_TRUE(param(*sae, "W_enc").equal(param(*sae, "W_dec").t()));
  EXPECT_EQ(param(*sae, "W_enc").strides(), (std::vector<int64_t>{1, kWidth}));
  EXPECT_LT(worst(param(*sae, "W_dec").norm(2, {1}), at::ones({kLatents})), 1e-6);
  const auto free = made(table({{"decoder_init_norm", 0.1}}));
  EXPECT_LT(worst(param(*free, "W_dec").norm(2, {1}), at::full({kLatents}, 0.1)), 1e-6);
}

TEST(TopK, equal_seeds_give_equal_bits) {
  EXPECT_TRUE(same_bits(param(*made(table({})), "W_enc"), param(*made(table({})), "W_enc")));
  EXPECT_FALSE(param(*made(table({})), "W_enc").equal(param(*made(table({}), kWidth, 6), "W_enc")));
}

TEST(TopK, mse_sums_over_the_width_and_means_over_rows) {
  const auto sae = made(table({}));
  const Pass pass = sae->pass(some_batch(), Mode::train);
  const Losses losses = sae->losses(pass, Step());
  ASSERT_EQ(names_of(losses), "mse ");
  EXPECT_LT(worst(losses[0].value, (pass.output - pass.target).square().sum(-1).mean()), 1e-6);
}

/// Slope of mse + auxk along a random direction of each parameter, by autograd and by two values.
/// The error that auxk reconstructs is a constant, so it is taken from one pass.
TEST(TopK, gradients_agree_with_finite_differences) {
  constexpr double kStep = 1e-3;
  constexpr double kSlope = 2e-2;  // a float32 loss over a step of 1e-3
  const auto sae = made(table({{"b_dec_start", "zero"}}));
  const Batch batch = some_batch();
  const Pass fixed = sae->pass(batch, Mode::train);
  const Step step = step_with_silent_dead(fixed);
  Pass detached = fixed;
  detached.output = fixed.output.detach();
  const auto loss = [&] {
    const Losses main = sae->losses(sae->pass(batch, Mode::train), Step());
    const Losses aux = sae->losses(detached, step);
    return main.at(0).value + 32 * aux.at(1).value;
  };
  loss().backward();
  for (const auto& [name, value] : sae->params()) {
    const Tensor direction = random_tensor(value.sizes().vec(), "direction");
    const Tensor before = value.detach().clone();
    const auto value_at = [&, &name = name](double t) {
      const at::NoGradGuard no_grad;
      set(*sae, name, before + t * direction);
      return loss().item<double>();
    };
    const double expected = (value_at(kStep) - value_at(-kStep)) / (2 * kStep);
    set(*sae, name, before);
    const double is = (value.grad() * direction).sum().item<double>();
    EXPECT_NEAR(is, expected, kSlope * std::max(1.0, std::abs(expected))) << name;
    EXPECT_EQ(value.grad().strides(), value.strides()) << name;
  }
}

TEST(TopK, auxk_is_the_share_of_the_error_that_dead_latents_leave) {
  const auto sae = made(table({{"k_aux", 3}}));
  const Batch batch = some_batch();
  const Pass pass = sae->pass(batch, Mode::train);
  const Step step = step_with_silent_dead(pass);
  const Losses losses = sae->losses(pass, step);
  ASSERT_EQ(names_of(losses), "mse auxk ");

  const at::NoGradGuard no_grad;
  const Tensor x = batch.input.select(1, 0);
  const Tensor pre =
      ops::pre_activations(x, param(*sae, "W_enc"), param(*sae, "b_enc"), param(*sae, "b_dec"));
  const Tensor of_dead = pre.masked_fill(~step.dead, -INFINITY);
  const Tensor aux = ops::keep_topk(of_dead, 3).dense().matmul(param(*sae, "W_dec"));
  const Tensor error = (pass.target - pass.output).select(1, 0);
  const Tensor expected =
      (error - aux).square().sum() / (error - error.mean(0)).square().sum() / 32;
  EXPECT_LT(worst(losses[1].value, expected), 1e-6);
}

TEST(TopK, auxk_teaches_dead_latents_the_residual) {
  const auto sae = made(table({}));
  const Pass pass = sae->pass(some_batch(), Mode::train);
  const Step step = step_with_silent_dead(pass);
  const auto left = [&] { return sae->losses(pass, step).at(1).value; };
  const Tensor before = left();
  before.backward();
  for (const auto& [name, value] : sae->params())
    if (value.grad().defined()) set(*sae, name, value - 0.1 * value.grad());
  EXPECT_LT(left().item<double>(), before.item<double>());
}

TEST(TopK, auxk_reaches_no_living_latent) {
  const auto sae = made(table({}));
  const Pass pass = sae->pass(some_batch(), Mode::train);
  const Step step = step_with_silent_dead(pass);
  sae->losses(pass, step).at(1).value.backward();
  const Tensor alive = step.dead.logical_not();
  EXPECT_TRUE(param(*sae, "W_dec").grad().index({alive}).eq(0).all().item<bool>());
  EXPECT_TRUE(param(*sae, "W_enc").grad().t().index({alive}).eq(0).all().item<bool>());
  EXPECT_GT(param(*sae, "W_enc").grad().abs().max().item<double>(), 0);
}

TEST(TopK, auxk_is_left_out_without_dead_latents_or_weight) {
  const auto sae = made(table({}));
  const Pass pass = sae->pass(some_batch(), Mode::train);
  Step step;
  step.dead = at::zeros({kLatents}, at::kBool);
  EXPECT_EQ(names_of(sae->losses(pass, step)), "mse ");
  EXPECT_EQ(
      names_of(made(table({{"aux_coefficient", 0}}))->losses(pass, step_with_silent_dead(pass))),
      "mse ");
}

TEST(TopK, auxk_of_an_error_without_variance_is_zero) {
  const auto sae = made(table({}));
  Pass pass = sae->pass(some_batch(), Mode::train);
  pass.output = pass.target;
  EXPECT_EQ(sae->losses(pass, step_with_silent_dead(pass)).at(1).value.item<float>(), 0.0f);
}

TEST(TopK, decoder_rows_stay_at_norm_one) {
  const auto sae = made(table({}));
  sae->losses(sae->pass(some_batch(), Mode::train), Step()).at(0).value.backward();
  sae->after_backward();
  const Tensor w_dec = param(*sae, "W_dec");
  EXPECT_LT((w_dec.grad() * w_dec).sum(1).abs().max().item<double>(), 1e-4);
  set(*sae, "W_dec", w_dec * 3);
  sae->after_step();
  EXPECT_LT(worst(w_dec.norm(2, {1}), at::ones({kLatents})), 1e-6);
}

TEST(TopK, decoder_rows_are_free_on_demand) {
  const auto sae = made(table({{"decoder_norm", "never"}}));
  const Tensor before = param(*sae, "W_dec").detach().clone();
  sae->after_step();
  EXPECT_TRUE(param(*sae, "W_dec").equal(before));
}

struct Start {
  const char* name;
  std::vector<float> rows, b_dec;  // rows of width 2
};

TEST(TopK, starts_at_the_centre_of_the_first_batch) {
  const Start starts[] = {
      {"zero", {1, 1, 3, 3}, {0, 0}},
      {"mean", {0, 0, 3, 0, 0, 6}, {1, 2}},
      {"geometric_median", {0, 0, 1, 0, 2, 0}, {1, 0}},              // the mean is one of the rows
      {"geometric_median", {5, 5, 5, 5, 5, 5}, {5, 5}},              // all rows are the same
      {"geometric_median", {0, 0, 0, 0, 0, 0, 9, 0, 0, 9}, {0, 0}},  // most rows are the same
      {"geometric_median", {0, 0, 4, 0, 4, 4, 0, 4}, {2, 2}},
      {"geometric_median",
       {-3, 0, 0, 0, 1, 0, 2, 0, 0, 5, 0, -5},
       {0, 0}},  // the mean is near a row
  };
  for (const Start& start : starts) {
    const auto sae = made(table({{"b_dec_start", start.name}}), 2);
    sae->start(batch_of(floats(start.rows).view({-1, 2})));
    EXPECT_LT(worst(param(*sae, "b_dec"), floats(start.b_dec)), 1e-3) << start.name;
  }
}

struct Refusal {
  Value given;
  const char* text;
};

TEST(TopK, refuses_parameters_that_cannot_be) {
  const Refusal refusals[] = {
      {table({{"d_sae", 65536}, {"k", 70000}}), "sae.k: 70000 exceeds d_sae (65536)"},
      {table({{"d_sae", 8}, {"k", 2}, {"infer_k", 9}}), "sae.infer_k: 9 exceeds d_sae (8)"},
      {table({{"d_sae", 64}, {"infer_k", 2}, {"theta", 0.5}}),
       "sae: infer_k and theta exclude each other"},
      {table({{"d_sae", 64}, {"k_start", 70}, {"k_anneal", 5}}),
       "sae.k_start: 70 exceeds d_sae (64)"},
      {table({{"d_sae", 64}, {"k_start", 50}}), "sae: k_start and k_anneal belong together"},
      {table({{"d_sae", 64}, {"k_anneal", 5}}), "sae: k_start and k_anneal belong together"},
      {table({{"k", 2}}), "sae.d_sae: required"},
      {table({{"d_sae", 64}, {"k", 0}}), "sae.k: integer 0, must be at least 1"},
      {table({{"d_sae", 64}, {"b_dec_start", "median"}}),
       "sae.b_dec_start: string \"median\", must be one of \"zero\", \"mean\", "
       "\"geometric_median\""},
  };
  for (const Refusal& refusal : refusals)
    EXPECT_EQ(refusal_of([&] { parsed(refusal.given); }), refusal.text);
}

TEST(TopK, refuses_a_target_of_another_width) {
  const auto refused = [] {
    Init init(1);
    topk().make(parsed(table({{"d_sae", 64}})), Shape{1, 1, 8, 16}, init);
  };
  EXPECT_EQ(refusal_of(refused),
            "facet.sae.topk: sae: topk: reconstructs the rows of one hookpoint: is given 1 of "
            "width 8 and should "
            "return 1 of width 16");
}

TEST(TopK, tells_saelens_what_it_is) {
  EXPECT_EQ(
      emit_json(made(table({}))->saelens()),
      R"({"apply_b_dec_to_input":true,"architecture":"topk","k":4,"rescale_acts_by_decoder_norm":false})");
  EXPECT_EQ(made(table({{"infer_k", 7}}))->saelens().integer("k"), 7);
  EXPECT_TRUE(made(table({{"theta", 0.5}}))->saelens().empty());
  EXPECT_TRUE(made(table({{"relu", false}}))->saelens().empty());
}

}  // namespace
}  // namespace facet
