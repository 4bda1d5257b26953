// The optimiser: its rules, and gradients held row by row, which move weights as whole ones do.
#include "train/optimiser.h"

#include <facet/torch.h>
#include <gtest/gtest.h>

#include "core/activations/small_sae.h"
#include "train/trainer.h"
#include "train/update_rule.h"

namespace facet {
namespace {

/// An SAE of 128 latents and its optimiser.
struct Learner {
  Learner(bool by_row, const TrainParams& given, bool waits = false) : params(given) {
    sae->by_row = by_row;
    sae->waits = waits;
    optimiser = std::make_unique<Optimiser>(*sae, params, 10);
  }
  /// Gradients of eight rows, and of `more` if given.
  void backward(int64_t step, const Tensor& more = {}) {
    Init init(static_cast<uint64_t>(step));
    const Tensor x = init.uniform_within({8, 4}, 1.0);
    optimiser->clear_gradients();
    const auto collecting = optimiser->collect();
    const Tensor back = sae->decode(sae->encode(x, Mode::train));
    Tensor loss = (back - x).square().sum();
    if (more.defined()) loss = loss + (weight("W_dec") * more).sum();
    loss.backward();
    optimiser->settle_gradients();
  }
  Tensor weight(const std::string& name) const {
    for (const auto& [known, value] : sae->params())
      if (known == name) return value;
    return {};
  }
  TrainParams params;
  std::unique_ptr<SmallSae> sae = small_sae({.d_sae = 128, .k = 2});
  std::unique_ptr<Optimiser> optimiser;
};

TEST(Optimiser, rows_move_weights_as_whole_gradients_do) {
  Learner whole(false, {}), rows(true, {});
  for (int64_t step = 0; step < 6; ++step) {
    std::string bad;
    double norm[2];
    for (Learner* one : {&whole, &rows}) {
      one->backward(step);
      norm[one == &rows] = one->optimiser->gradient_norm(bad);
      one->optimiser->scale_gradients(0.5);
      one->optimiser->step(step);
    }
    EXPECT_EQ(bad, "");
    EXPECT_NEAR(norm[1], norm[0], 1e-12 * norm[0]);
    EXPECT_TRUE(whole.weight("W_dec").grad().defined());
    EXPECT_FALSE(rows.weight("W_dec").grad().defined());
    EXPECT_FALSE(rows.weight("W_enc").grad().defined());
  }
  for (const char* name : {"W_enc", "b_enc", "W_dec", "b_dec"})
    EXPECT_TRUE(torch::equal(whole.weight(name), rows.weight(name))) << name;
  const NamedTensors one = whole.optimiser->tensors(), other = rows.optimiser->tensors();
  ASSERT_EQ(one.size(), other.size());
  for (size_t i = 0; i < one.size(); ++i)
    EXPECT_TRUE(torch::equal(one[i].second, other[i].second)) << one[i].first;
}

TEST(Optimiser, rows_that_wait_are_there_when_somebody_looks) {
  const auto moved = [](Learner& one, int64_t steps) {
    for (int64_t step = 0; step < steps; ++step) {
      one.backward(step);
      one.optimiser->step(step);
    }
  };
  const auto expect_same = [](Learner& waits, Learner& goes) {
    for (const char* name : {"W_enc", "W_dec"})
      EXPECT_TRUE(torch::equal(waits.weight(name), goes.weight(name))) << name;
  };
  const auto look = [&](const std::function<void(Learner&, Learner&)>& look) {
    Learner waits(true, {}, true), goes(true, {});
    moved(waits, 5);
    moved(goes, 5);
    EXPECT_FALSE(torch::equal(waits.weight("W_dec"), goes.weight("W_dec"))) << "none waits";
    look(waits, goes);
  };
  look([&](Learner& waits, Learner& goes) {
    waits.optimiser->as_finished([&] { expect_same(waits, goes); });
  });
  look([&](Learner& waits, Learner& goes) {
    const NamedTensors one = waits.optimiser->tensors(), other = goes.optimiser->tensors();
    for (size_t i = 0; i < one.size(); ++i)
      EXPECT_TRUE(torch::equal(one[i].second, other[i].second)) << one[i].first;
    expect_same(waits, goes);
  });
  look([&](Learner& waits, Learner& goes) {
    waits.optimiser->finish();
    expect_same(waits, goes);
  });
  look([&](Learner& waits, Learner& goes) {
    const Tensor latents = torch::tensor({3, 5});
    for (Learner* one : {&waits, &goes}) one->optimiser->forget(latents, 128);
    expect_same(waits, goes);
    moved(waits, 3);
    moved(goes, 3);
    for (Learner* one : {&waits, &goes}) one->optimiser->hand_over();
    expect_same(waits, goes);
  });
  look([&](Learner& waits, Learner& goes) {  // a whole gradient among those of rows
    for (Learner* one : {&waits, &goes}) {
      one->backward(5, torch::ones({128, 4}));
      one->optimiser->step(5);
      one->optimiser->hand_over();
    }
    expect_same(waits, goes);
  });
}

TEST(Optimiser, a_weight_that_something_else_moves_too_has_one_whole_gradient) {
  Learner whole(false, {}), rows(true, {});
  const Tensor more = Init(3).uniform_within({128, 4}, 1.0);
  for (Learner* one : {&whole, &rows}) one->backward(0, more);
  EXPECT_FALSE(rows.weight("W_enc").grad().defined());
  const Tensor gradient = rows.weight("W_dec").grad();
  ASSERT_TRUE(gradient.defined());
  EXPECT_TRUE(torch::allclose(gradient, whole.weight("W_dec").grad(), 1e-6, 1e-6));
}

TEST(Optimiser, gradients_stay_whole_where_they_add_up_or_a_rule_needs_them) {
  TrainParams kept, muon, plain;
  kept.keep_gradients = true;
  muon.optimiser = "muon";
  plain.kernels = "plain";
  for (const TrainParams& params : {kept, muon, plain}) {
    Learner one(true, params);
    one.backward(0);
    EXPECT_TRUE(one.weight("W_dec").grad().defined());
    EXPECT_TRUE(one.weight("W_enc").grad().defined());
  }
}

/// One parameter [2], gradients +1 and -1 at every step, lr 1: signum by hand.
TEST(Optimiser, signum_keeps_the_mean_of_its_bases) {
  TrainParams params;
  params.momentum = 0.5;
  Tensor value = torch::zeros({2});
  const auto rule = signum_rule(params, value);
  const Tensor gradient = torch::tensor({3.0f, -0.5f});
  const double bases[] = {-1, -2, -3}, means[] = {-1, -1.5, -2};
  for (int64_t step = 1; step <= 3; ++step) {
    rule->step(value, gradient, {step, 1.0, 1.0});
    const double y = means[step - 1] + 0.5 * (bases[step - 1] - means[step - 1]);
    EXPECT_TRUE(torch::allclose(value, torch::tensor({y, -y}).to(torch::kFloat32))) << step;
  }
  rule->finish(value);
  EXPECT_TRUE(torch::allclose(value, torch::tensor({-2.0f, 2.0f})));
}

TEST(Optimiser, muon_moves_a_matrix_by_about_its_orthogonal_part) {
  TrainParams params;
  params.momentum = 1e-6;
  Tensor value = torch::zeros({3, 2});
  const auto rule = muon_rule(params, value);
  const Tensor gradient = torch::tensor({{4.0f, 0.0f}, {0.0f, -1.0f}, {0.0f, 0.0f}});
  rule->step(value, gradient, {1, 1.0, 1.0});
  const double scale = 0.2 * std::sqrt(3.0);
  EXPECT_NEAR(value[0][0].item<double>(), -scale, 0.35 * scale);  // the rounds leave 0.7 to 1.2
  EXPECT_NEAR(value[1][1].item<double>(), scale, 0.35 * scale);
  EXPECT_EQ(value[2].abs().max().item<double>(), 0);
}

}  // namespace
}  // namespace facet
