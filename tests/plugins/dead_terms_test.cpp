// The terms of dead latents that no run of a peer covers, each against its formula in plain
// LibTorch.
#include <facet/ops.h>
#include <facet/torch.h>
#include <gtest/gtest.h>

#include "core/tensor/numbers.h"
#include "plugins/architectures.h"
#include "plugins/fake_context.h"

namespace facet {
namespace {

constexpr int64_t kN = 20, kD = 8, kM = 24, kDead = 6;
constexpr double kRelative = 1e-5;  // sums of some hundred float32 numbers

/// A topk whose last latents are dead, a batch in the host's units, and what it passes.
struct Case {
  explicit Case(const Value& keys) {
    Value section = Value::Table{{"type", "topk"}, {"d_sae", kM}, {"k", 3}, {"k_aux", 4}};
    for (const auto& [key, value] : *keys.as<Value::Table>()) section.set(key, value);
    sae = sae_of(section, {1, 1, kD, kD});
    const at::NoGradGuard no_grad;
    param_of(*sae, "b_dec").copy_(random_tensor({kD}, "b_dec"));
    Rows rows;
    rows.x = random_tensor({kN, 1, kD}, "rows") * 3 + 1;
    host = rows.x.select(1, 0);
    batch = make_batch(*make_normaliser(architectures(), "opensae", "normalize"), rows);
    step.dead = at::arange(kM).ge(kM - kDead);
  }

  /// The loss of this name, its gradients taken.
  double loss(const std::string& name) {
    const Pass pass = sae->pass(batch, Mode::train);
    const at::AutoGradMode gradients(true);
    output = sae->pass(batch, Mode::train).output.select(1, 0).detach();
    for (const Loss& loss : sae->losses(pass, step)) {
      if (loss.name != name) continue;
      loss.value.backward();
      return loss.value.item<double>();
    }
    throw Bug("no loss " + name);
  }

  Tensor param(const std::string& name) const { return param_of(*sae, name).detach(); }
  Tensor x() const { return batch.input.select(1, 0); }
  Tensor dead_pre() const {
    return ((x() - param("b_dec")).matmul(param("W_enc")) + param("b_enc")).slice(1, kM - kDead);
  }
  Tensor dead_rows() const { return param("W_dec").slice(0, kM - kDead); }
  /// What the 4 largest positive pre-activations of the dead write. [n, d]
  Tensor decoded() const { return ops::keep_topk(dead_pre(), 4).dense().matmul(dead_rows()); }
  Tensor in_host(const Tensor& rows) const {
    return rows * batch.stats.at("scale").select(1, 0) + batch.stats.at("mean").select(1, 0);
  }

  std::unique_ptr<Sae> sae;
  Batch batch;
  Step step;
  Tensor host, output;  // [n, d], the output in normalised units
};

void expect_near(double is, const Tensor& expected) {
  const double value = expected.item<double>();
  EXPECT_NEAR(is, value, kRelative * std::abs(value));
}

Tensor column_share(const Tensor& error, const Tensor& host) {
  const Tensor variance = (host - host.mean(0)).square().sum(0).clamp_min(1);
  return (error.square().sum(0) / variance).mean();
}

TEST(DeadTerms, opensae_adds_what_dead_latents_write_to_the_error) {
  Case one(Value::Table{{"compat", "opensae"}, {"aux_coefficient", 0.5}, {"k_aux", 4}});
  const double auxk = one.loss("auxk");
  const Tensor error = one.host - one.in_host(one.output);
  expect_near(
      auxk, 0.5 * column_share(error + one.in_host(one.decoded() + one.param("b_dec")), one.host));
  EXPECT_GT(param_of(*one.sae, "W_dec").grad().slice(0, 0, kM - kDead).abs().max().item<double>(),
            0)
      << "the error is not held constant";
  Case other(Value::Table{{"compat", "opensae"}});
  const double main = other.loss("fvu_by_column");
  expect_near(main, column_share(other.host - other.in_host(other.output), other.host));
}

TEST(DeadTerms, auxk_is_scaled_by_the_share_of_dead_latents) {
  Case few(Value::Table{{"aux", "sparsify"}, {"k_aux", 12}});
  const double auxk = few.loss("auxk");
  const Tensor x = few.x(), error = x - few.output;
  const Tensor all = ops::keep_topk(few.dead_pre(), kDead).dense().matmul(few.dead_rows());
  expect_near(auxk, (error - all).square().sum() / (x - x.mean(0)).square().sum() / 32 *
                        (static_cast<double>(kDead) / 12));
  EXPECT_FALSE(param_of(*few.sae, "W_enc").grad().defined()) << "the encoder learns nothing";
}

TEST(DeadTerms, ghost_gradients_are_as_large_as_the_error) {
  Case one(Value::Table{{"aux", "ghost"}, {"aux_coefficient", 1.0}});
  const double ghost = one.loss("ghost");
  const Tensor error = one.x() - one.output;
  const Tensor free = one.dead_pre().exp().matmul(one.dead_rows());
  const Tensor size = error.norm(2, {1}, true) / (1e-6 + 2 * free.norm(2, {1}, true));
  const Tensor left = (free * size - error).square();
  expect_near(ghost, (left * (error.square() / (left + 1e-6))).mean());
  const Tensor gradient = param_of(*one.sae, "W_enc").grad();
  EXPECT_EQ(gradient.slice(1, 0, kM - kDead).abs().max().item<double>(), 0);
  EXPECT_GT(gradient.slice(1, kM - kDead).abs().max().item<double>(), 0);
}

TEST(DeadTerms, pre_act_pulls_dead_latents_up_to_zero) {
  Case one(Value::Table{{"pre_act_coefficient", 0.25}});
  const double pull = one.loss("pre_act");
  const Tensor norms = one.dead_rows().norm(2, {1});
  expect_near(pull, 0.25 * (-one.dead_pre()).relu().matmul(norms).mean());
  EXPECT_GE(param_of(*one.sae, "b_enc").grad().max().item<double>(), -1);
  EXPECT_LE(param_of(*one.sae, "b_enc").grad().max().item<double>(), 0) << "biases rise";
}

TEST(DeadTerms, the_error_is_weighed_by_the_first_batch_on_demand) {
  Case one(Value::Table{{"error_coefficient", 0.0}, {"error", "mse_by_element"}});
  one.sae->start(one.batch);
  const double error = one.loss("mse_by_element");
  const Tensor x = one.x();
  expect_near(error, (x - one.output).square().mean() / (x - x.mean(0)).square().mean());
}

TEST(DeadTerms, k_falls_along_a_line) {
  Case one(Value::Table{{"k_start", 11}, {"k_anneal", 4}});
  std::vector<int64_t> kept;
  for (int i = 0; i < 6; ++i)
    kept.push_back(one.sae->pass(one.batch, Mode::train).codes.nonzeros() / kN);
  EXPECT_EQ(kept, (std::vector<int64_t>{11, 9, 7, 5, 3, 3}));
  EXPECT_EQ(one.sae->pass(one.batch, Mode::infer).codes.nonzeros() / kN, 3);
}

}  // namespace
}  // namespace facet
