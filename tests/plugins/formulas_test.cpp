// Formulas that are easily gotten wrong, each worked out by hand: what they are worth at a place
// where the answer is known.
#include <facet/torch.h>
#include <gtest/gtest.h>

#include "core/tensor/numbers.h"
#include "plugins/replay.h"
#include "plugins/short_training.h"
#include "train/optimiser.h"

namespace facet {
namespace {

// Of values of order 1: sums of some hundred float32 numbers, in another order.
constexpr double kFormulaRounding = 1e-5;

Batch batch_at(const Tensor& x) {  // [n, d] or [n, points, d]
  Batch out;
  out.input = out.target = x.dim() == 2 ? x.unsqueeze(1) : x;
  return out;
}

std::unique_ptr<Sae> of_one(const Value& section) {
  return sae_of(section, {1, 1, kWidth, kWidth});
}

void set(Sae& sae, const std::string& name, const Tensor& value) {
  const at::NoGradGuard no_grad;
  param_of(sae, name).copy_(value);
}

double loss_named(Sae& sae, const Batch& batch, const std::string& name) {
  for (const Loss& loss : sae.losses(sae.pass(batch, Mode::train), Step()))
    if (loss.name == name) return loss.value.item<double>();
  ADD_FAILURE() << "no loss " << name;
  return NAN;
}

// Whole numbers whose mean row is one of whole numbers, too: 8 rows of sum 0, and a shift.
Tensor whole_rows() {
  const Tensor half = (random_tensor({4, kWidth}, "whole") * 5).round();
  return at::cat({half, -half}) + at::arange(kWidth);
}

}  // namespace

// 2
TEST(Formulas, nothing_reconstructed_is_an_nmse_of_one_and_the_mean_row_an_fvu_of_one) {
  const Tensor x = whole_rows(), zero = at::zeros_like(x);
  const Tensor mean = x.mean(0, true).expand_as(x);
  Replay nothing(zero, at::ones({8, 2})), same(mean, at::ones({8, 2}));
  EXPECT_EQ(number(Bench(x).run(nothing, "all"), "nmse"), 1.0);
  const Report report = Bench(x).run(same, "all");
  EXPECT_EQ(number(report, "fvu"), 1.0);
  EXPECT_EQ(number(report, "explained_variance"), 0.0);

  for (const char* word : {"nmse", "fvu"}) {
    const auto sae = of_one(with(relu(), "error", word));
    set(*sae, "W_dec", at::zeros({kLatents, kWidth}));
    set(*sae, "b_dec", std::string(word) == "fvu" ? x.mean(0) : at::zeros({kWidth}));
    EXPECT_EQ(loss_named(*sae, batch_at(x), word), 1.0) << word;
  }
}

// 2
TEST(Formulas, explained_variance_is_one_less_fvu_on_one_batch) {
  const Tensor x = random_tensor({50, kWidth}, "rows");
  Replay sae(x * 0.7 + 0.1, at::ones({50, 2}));
  const Report report = Bench(x).run(sae, "all");
  const double fvu = (x * 0.3 - 0.1).to(at::kDouble).square().sum().item<double>() /
                     (x - x.to(at::kDouble).mean(0)).square().sum().item<double>();
  EXPECT_NEAR(number(report, "fvu"), fvu, kFormulaRounding);
  EXPECT_NEAR(number(report, "explained_variance"), 1 - fvu, kFormulaRounding);
}

// 3
TEST(Formulas, a_mean_over_latents_is_their_sum_over_d_sae) {
  const Tensor x = random_tensor({50, kWidth}, "rows");
  double value[2];
  int which = 0;
  for (const char* word : {"l1", "l1_by_element"})
    value[which++] = loss_named(*of_one(with(relu(), "l1", word)), batch_at(x), word);
  EXPECT_NEAR(value[0] / value[1], static_cast<double>(kLatents), kFormulaRounding * kLatents);
}

// 4
TEST(Formulas, where_all_pre_activations_are_negative_routesae_keeps_them_and_others_are_zero) {
  const Tensor x = random_tensor({10, kWidth}, "rows");
  for (const char* compat : {"none", "routesae", "saelens", "dictionary_learning", "sparsify"}) {
    const auto sae = of_one(with(topk(), "compat", compat));
    set(*sae, "b_enc", at::full({kLatents}, -100));
    const at::NoGradGuard no_grad;
    const Tensor kept = sae->pass(batch_at(x), Mode::train).codes.value.view({10, 4});
    const bool negative = std::string(compat) == "routesae";
    EXPECT_EQ(kept.max().item<double>() < 0, negative) << compat;
    EXPECT_EQ(kept.abs().max().item<double>() == 0, !negative) << compat;
    if (!negative) continue;
    const Tensor pre = x.matmul(param_of(*sae, "W_enc")) - 100;
    const Tensor largest = std::get<0>(pre.topk(4, 1)), order = std::get<0>(kept.sort(1, true));
    EXPECT_LT((order - largest).abs().max().item<double>(), 100 * kFormulaRounding);
  }
}

namespace {

/// What the paper's hard routing learns of one batch: the gradient of its router, written out.
Tensor papers_router_gradient(const Sae& sae, const Tensor& x, bool detached_target) {
  const auto param = [&](const char* name) { return param_of(sae, name).detach(); };
  const Tensor router = param("W_router").clone().requires_grad_();
  const Tensor p = x.sum(1).matmul(router).softmax(1);  // [n, points]
  const auto [most, layer] = p.max(1);
  std::vector<Tensor> chosen;
  for (int64_t i = 0; i < x.size(0); ++i) chosen.push_back(x[i][layer[i].item<int64_t>()]);
  const Tensor routed = at::stack(chosen) * most.unsqueeze(1);
  const Tensor pre = (routed - param("b_dec")).matmul(param("W_enc")) + param("b_enc");
  const Tensor index = std::get<1>(pre.topk(4, 1));
  const Tensor z = at::zeros_like(pre).scatter(1, index, pre.gather(1, index));
  const Tensor output = z.matmul(param("W_dec")) + param("b_dec");
  const Tensor target = detached_target ? routed.detach() : routed;
  ((output - target).square().sum(1) / target.square().sum(1)).mean().backward();
  return router.grad();
}

}  // namespace

// 9
TEST(Formulas, papers_router_learns_through_its_weight_in_input_and_target) {
  const auto sae = sae_of(with(route(), "compat", "routesae"), {3, 3, kWidth, kWidth});
  set(*sae, "b_enc", random_tensor({kLatents}, "b_enc") * 0.2);
  set(*sae, "b_dec", random_tensor({kWidth}, "b_dec") * 0.2);
  const Tensor x = random_tensor({40, 3, kWidth}, "rows");
  const Pass pass = sae->pass(batch_at(x), Mode::train);
  const Losses losses = sae->losses(pass, Step());
  ASSERT_EQ(losses.size(), 1u);
  losses[0].value.backward();
  const Tensor gradient = param_of(*sae, "W_router").grad();
  const Tensor both = papers_router_gradient(*sae, x, false);
  const Tensor input_alone = papers_router_gradient(*sae, x, true);
  const double size = both.abs().max().item<double>();
  EXPECT_LT((gradient - both).abs().max().item<double>(), 10 * kFormulaRounding * size);
  EXPECT_GT((gradient - input_alone).abs().max().item<double>(), 0.1 * size);
}

// 9
TEST(Formulas, equally_likely_hookpoints_give_way_to_the_lowest) {
  const auto sae = sae_of(route(), {3, 3, kWidth, kWidth});
  set(*sae, "W_router", at::zeros({kWidth, 3}));
  const at::NoGradGuard no_grad;
  const Pass pass = sae->pass(batch_at(random_tensor({10, 3, kWidth}, "rows")), Mode::infer);
  EXPECT_TRUE(pass.notes.at("layer").eq(0).all().item<bool>());
}

namespace {

/// |residual - what the strongest dead latents write| over a batch, the residual as given.
class DeadReach {
 public:
  explicit DeadReach(const std::string& aux)
      : sae_(of_one(with(with(with(topk(), "aux", aux), "k_aux", 6), "b_dec_start", "zero"))),
        batch_(batch_at(random_tensor({60, kWidth}, "rows"))) {
    step_.dead = at::arange(kLatents).ge(kLatents - 12);
    const at::NoGradGuard no_grad;
    param("W_dec").slice(0, 28).mul_(0.05);  // what they write is short: its direction decides
    const Pass pass = sae_->pass(batch_, Mode::train);
    residual_ = (pass.target - pass.output).select(1, 0);
  }
  double distance() const {
    const at::NoGradGuard no_grad;
    const Tensor x = batch_.input.select(1, 0);
    const Tensor pre = ((x - param("b_dec")).matmul(param("W_enc")) + param("b_enc")).slice(1, 28);
    const auto [largest, index] = pre.topk(6, 1);
    const Tensor z = at::zeros_like(pre).scatter(1, index, largest.relu());
    return (residual_ - z.matmul(param("W_dec").slice(0, 28))).norm().item<double>();
  }
  /// A step of this length along the gradient of auxk.
  void descend(double length) {
    for (const Loss& loss : sae_->losses(sae_->pass(batch_, Mode::train), step_))
      if (loss.name == "auxk") loss.value.backward();
    const at::NoGradGuard no_grad;
    double square = 0;
    for (const auto& [name, value] : sae_->params())
      if (value.grad().defined()) square += value.grad().square().sum().item<double>();
    for (auto [name, value] : sae_->params())
      if (value.grad().defined()) value.sub_(value.grad(), length / std::sqrt(square));
  }

 private:
  Tensor param(const std::string& name) const { return param_of(*sae_, name); }
  std::unique_ptr<Sae> sae_;
  Batch batch_;
  Step step_;
  Tensor residual_;
};

}  // namespace

// 12
TEST(Formulas, auxk_leads_dead_latents_to_the_residual_but_in_opensae_away_from_it) {
  for (const char* aux : {"variance", "scaled", "openai", "attached", "interprot", "rep_saes",
                          "sparsify", "opensae"}) {
    DeadReach dead(aux);
    const double before = dead.distance();
    dead.descend(0.05);
    const double after = dead.distance();
    EXPECT_NE(after, before) << aux;
    EXPECT_EQ(after < before, std::string(aux) != "opensae")
        << aux << " " << before << " " << after;
  }
}

// 13
TEST(Formulas, a_resampled_latent_is_a_fifth_as_strong_as_the_living_and_remembers_nothing) {
  const auto sae = of_one(topk());
  set(*sae, "W_enc", random_tensor({kWidth, kLatents}, "W_enc"));
  set(*sae, "b_enc", random_tensor({kLatents}, "b_enc"));
  const TrainParams params = train_schema().parse("train", short_training());
  Optimiser optimiser(*sae, params, kSteps);
  const Batch batch = batch_at(random_tensor({60, kWidth}, "rows"));
  for (int64_t step = 0; step < 2; ++step) {
    optimiser.clear_gradients();
    sae->losses(sae->pass(batch, Mode::train), Step())[0].value.backward();
    optimiser.step(step);
  }
  const Tensor latents = at::tensor({6, 9}, at::kLong);
  const Tensor living =
      at::ones({kLatents}, at::kBool).index_fill_(0, latents, false).nonzero().flatten();
  const double mean =
      param_of(*sae, "W_enc").detach().index_select(1, living).norm(2, {0}).mean().item<double>();
  sae->revive(latents, batch_at(random_tensor({2, kWidth}, "anew")));
  optimiser.forget(latents, kLatents);

  const Tensor read = param_of(*sae, "W_enc").detach().index_select(1, latents);
  EXPECT_LT((read.norm(2, {0}) - 0.2 * mean).abs().max().item<double>(), kFormulaRounding);
  EXPECT_TRUE(param_of(*sae, "b_enc").detach().index_select(0, latents).eq(0).all().item<bool>());
  const std::map<std::string, int64_t> axis = {{"W_enc", 1}, {"W_dec", 0}, {"b_enc", 0}};
  for (const auto& [name, tensor] : optimiser.tensors()) {
    const auto found = axis.find(name.substr(name.find('/') + 1));
    ASSERT_GT(tensor.abs().max().item<double>(), 0) << name;
    if (found == axis.end()) continue;  // b_dec
    EXPECT_EQ(tensor.index_select(found->second, latents).abs().max().item<double>(), 0) << name;
    EXPECT_GT(tensor.index_select(found->second, living).abs().max().item<double>(), 0) << name;
  }
}

// 20
TEST(Formulas, a_coefficient_goes_on_after_a_stop_where_it_was) {
  const Value settings = both(short_training(), Value::Table{{"sparsity_warmup", 0.75}});
  constexpr double kRise = 0.75 * kSteps;  // 9 steps
  OneCheckpoint folder;
  TrainHooks hooks;
  hooks.checkpoints = &folder;
  int64_t done = 0;
  hooks.on_step = [&](const StepMetrics& m, Value&) {
    done = m.step;
    std::map<std::string, double> loss(m.losses.begin(), m.losses.end());
    const double coefficient = (m.loss - loss.at("mse")) / loss.at("l1");
    const double should = std::min(static_cast<double>(m.step - 1) / kRise, 1.0);
    EXPECT_NEAR(coefficient, should, kFormulaRounding) << m.step;
    return true;
  };
  hooks.stop = [&] { return done == 4; };
  EXPECT_THROW(train(*of_one(relu()), settings, hooks), Stopped);
  hooks.stop = nullptr;
  train(*of_one(relu()), settings, hooks);
  EXPECT_EQ(done, kSteps);
}

}  // namespace facet
