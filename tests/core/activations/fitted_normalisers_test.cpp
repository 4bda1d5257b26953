// mean, expected_average and whitening: what they find, the way back, their state, and their map.
#include <facet/torch.h>
#include <gtest/gtest.h>

#include <cmath>

#include "core/activations/letter_host.h"
#include "core/activations/small_sae.h"
#include "expect_refusal.h"

namespace facet {
namespace {

// Roundings of float32 on numbers of order 1, and on products with weights.
constexpr double kRounding = 1e-5;
constexpr int64_t kAll = 1 << 20;

std::unique_ptr<Normaliser> chosen(const std::string& name) {
  Registry registry;
  add_core_normalisers(registry);
  return make_normaliser(registry, name, "activations.normalize");
}

// Rows [n, points, d] from memory; counts how many are asked for at once.
class Rowed final : public ActivationSource {
 public:
  explicit Rowed(Tensor x) : x_(std::move(x)) {}
  Shape shape() const override { return {x_.size(1), x_.size(1), x_.size(2), x_.size(2)}; }
  Rows next(int64_t rows) override {
    most = std::max(most, rows);
    const int64_t begin = at_;
    at_ = std::min(x_.size(0), at_ + rows);
    Rows out;
    out.x = x_.slice(0, begin, at_);
    return out;
  }
  Value cursor() const override { return at_; }
  void seek(const Value& cursor) override { at_ = *cursor.as<int64_t>(); }
  std::string key() const override { return "rowed"; }

  int64_t most = 0;

 private:
  Tensor x_;
  int64_t at_ = 0;
};

Tensor waves(int64_t rows, int64_t points = 1) {
  const Tensor at = torch::arange(rows * points * 4).to(torch::kFloat32);
  return torch::sin(at * 0.7).view({rows, points, 4}) * 3 + 1;
}

std::unique_ptr<Normaliser> fitted(const std::string& name, const Tensor& rows) {
  auto norm = chosen(name);
  Rowed source(rows);
  norm->fit(source, kAll);
  return norm;
}

TEST(FittedNormaliser, mean_takes_each_hookpoints_mean_row) {
  const Tensor x = waves(10000, 2);
  const auto norm = fitted("mean", x);
  Stats stats;
  const Tensor y = norm->apply(x, stats);
  EXPECT_TRUE(torch::allclose(y, x - x.mean(0), kRounding, kRounding));
  EXPECT_TRUE(torch::allclose(norm->invert(y, stats), x, kRounding, kRounding));
  EXPECT_EQ(norm->saelens_name(), "");
}

TEST(FittedNormaliser, expected_average_makes_the_mean_norm_the_root_of_the_width) {
  const Tensor x = waves(10000, 2) * torch::tensor({1.0f, 20.0f}).view({1, 2, 1});
  const auto norm = fitted("expected_average", x);
  Stats stats;
  const Tensor y = norm->apply(x, stats);
  const Tensor norms = y.norm(2, {-1}).mean(0);  // [points]
  EXPECT_TRUE(torch::allclose(norms, torch::full({2}, 2.0f), kRounding, 0)) << norms;
  EXPECT_TRUE(torch::allclose(norm->invert(y, stats), x, kRounding, kRounding));
  EXPECT_EQ(norm->saelens_name(), "");
}

TEST(FittedNormaliser, looks_at_no_more_rows_than_asked_and_at_few_at_a_time) {
  const Tensor x = torch::cat({torch::ones({9000, 1, 4}), torch::full({9000, 1, 4}, 100.0f)});
  Rowed source(x);
  const auto norm = chosen("mean");
  norm->fit(source, 9000);
  Stats stats;
  EXPECT_TRUE(torch::equal(norm->apply(torch::ones({1, 1, 4}), stats), torch::zeros({1, 1, 4})));
  EXPECT_EQ(source.cursor(), Value(9000));
  EXPECT_EQ(source.most, 4096);
}

TEST(FittedNormaliser, comes_back_from_its_state_bit_for_bit) {
  for (const char* name : {"mean", "expected_average", "whitening"}) {
    const Tensor x = waves(1000, 3);
    const auto norm = fitted(name, x), back = chosen(name);
    back->restore(parse_json(emit_json(norm->state()), "state"));
    Stats stats;
    EXPECT_TRUE(torch::equal(norm->apply(x, stats), back->apply(x, stats))) << name;
    EXPECT_EQ(norm->state(), back->state()) << name;
  }
}

// Rows [n, points, 4] of Gaussian numbers, mixed and off centre.
Tensor mixed_rows(int64_t rows, int64_t points = 1) {
  Rng rng(4, "mixed");
  std::vector<float> numbers(static_cast<size_t>(rows * points * 4));
  for (float& number : numbers) number = static_cast<float>(rng.normal());
  const Tensor x = torch::tensor(numbers).view({rows, points, 4});
  const Tensor scale = torch::tensor({1.0f, 2.0f, 5.0f, 9.0f});
  return (x + 0.7 * x.roll(1, -1)) * scale + scale;
}

TEST(FittedNormaliser, whitening_leaves_no_correlation_and_variance_one) {
  const Tensor x = mixed_rows(9000, 2);
  const auto norm = fitted("whitening", x);
  Stats stats;
  const Tensor y = norm->apply(x, stats);
  for (int64_t point : {0, 1}) {
    const Tensor one = y.select(1, point).to(torch::kFloat64);
    const Tensor covariance = one.t().matmul(one) / 8999;
    // Less than 1 by 1e-3 / variance: the least variance here is about 0.25.
    EXPECT_LE((covariance - torch::eye(4)).abs().max().item<double>(), 5e-3);
    EXPECT_LE(one.mean(0).abs().max().item<double>(), kRounding);
  }
  EXPECT_TRUE(torch::allclose(norm->invert(y, stats), x, kRounding, kRounding));
  EXPECT_EQ(norm->saelens_name(), "") << "its inference would not apply it";
}

// C = (sum x x^T - n mean mean^T) / (n - 1) = E diag(l) E^T, l + 1e-3, M = E diag(l)^-1/2.
TEST(FittedNormaliser, whitening_is_saelens_formula) {
  const Tensor x = mixed_rows(500);
  const auto map = fitted("whitening", x)->row_map();
  ASSERT_TRUE(map);
  const Tensor wide = x.select(1, 0).to(torch::kFloat64), mean = wide.mean(0);
  const Tensor covariance = (wide - mean).t().matmul(wide - mean) / 499;
  const Tensor expected = covariance + 1e-3 * torch::eye(4, torch::kFloat64);
  const Tensor inverse = map->inverse[0], matrix = map->matrix[0];
  // M^-T M^-1 = E diag(l) E^T, whatever the signs of the eigenvectors.
  EXPECT_TRUE(torch::allclose(inverse.t().matmul(inverse), expected, kRounding, kRounding));
  EXPECT_TRUE(torch::allclose(matrix.matmul(inverse), torch::eye(4, torch::kFloat64), kRounding,
                              kRounding));
  EXPECT_TRUE(torch::allclose(map->mean[0], mean, kRounding, kRounding));
}

TEST(FittedNormaliser, whitening_survives_rows_that_do_not_vary) {
  const Tensor x = torch::ones({20, 1, 4}) * 3;
  const auto norm = fitted("whitening", x);
  Stats stats;
  const Tensor y = norm->apply(x, stats);
  EXPECT_LE(y.abs().max().item<double>(), kRounding);
  EXPECT_TRUE(torch::allclose(norm->invert(y, stats), x, kRounding, kRounding));
}

// How it folds is in tests/plugins/fold_test.cpp.
TEST(FittedNormaliser, says_what_it_does_to_every_row) {
  const Tensor x = mixed_rows(300);
  for (const char* name : {"mean", "expected_average", "whitening"}) {
    const auto norm = fitted(name, x);
    const auto map = norm->row_map();
    ASSERT_TRUE(map) << name;
    const Tensor centred = map->mean.defined() ? x - map->mean : x.to(torch::kFloat64);
    const Tensor expected = map->scale.defined() ? centred * map->scale.view({1, -1, 1})
                                                 : centred.matmul(map->matrix[0]);
    Stats stats;
    EXPECT_TRUE(
        torch::allclose(norm->apply(x, stats).to(torch::kFloat64), expected, kRounding, kRounding))
        << name;
    EXPECT_FALSE(chosen(name)->row_map()) << name << ": not fitted";
  }
  for (const char* name : {"layer_norm", "constant_norm"}) EXPECT_FALSE(chosen(name)->row_map());
}

TEST(FittedNormaliser, does_not_fold_into_an_sae_that_does_not_say_how) {
  const auto sae = small_sae();
  const Tensor before = sae->params()[3].second.detach().clone();
  EXPECT_FALSE(fitted("mean", waves(10))->fold(*sae));
  EXPECT_TRUE(torch::equal(before, sae->params()[3].second));
  EXPECT_TRUE(chosen("none")->fold(*sae));
}

TEST(FittedNormaliser, refuses_what_it_cannot_be_fitted_to) {
  const Tensor bad = torch::full({4, 1, 4}, NAN);
  const struct {
    const char* name;
    Tensor rows;
    std::string text;
  } cases[] = {
      {"mean", torch::zeros({0, 1, 4}),
       "activations.normalize: mean: there are no rows to fit it to"},
      {"mean", bad, "activations.normalize: mean: the rows it is fitted to are not finite"},
      {"expected_average", bad,
       "activations.normalize: expected_average: the rows it is fitted to are not finite"},
      {"whitening", bad,
       "activations.normalize: whitening: the rows it is fitted to are not finite"},
      {"whitening", torch::ones({1, 1, 4}),
       "activations.normalize: whitening: is given 1 row, should be at least 2"},
      {"expected_average", torch::zeros({4, 1, 4}),
       "activations.normalize: expected_average: the mean norm of the rows: is 0, should be above "
       "0"},
  };
  for (const auto& c : cases)
    EXPECT_EQ(refusal_of([&] { fitted(c.name, c.rows); }), c.text) << c.name;
}

TEST(FittedNormaliser, refuses_to_work_before_it_has_seen_rows_and_a_damaged_state) {
  const auto norm = chosen("mean");
  Stats stats;
  EXPECT_EQ(refusal_of([&] { norm->apply(waves(2), stats); }),
            "activations.normalize: mean: has not seen any rows; run:train fits it first");
  norm->restore({});
  EXPECT_TRUE(norm->state().empty());
  EXPECT_EQ(refusal_of([&] {
              norm->restore(Value::Table{{"mean", Value::Array{}}});
            }),
            "the state of the normaliser mean is damaged");
  const auto whitening = fitted("whitening", mixed_rows(9));
  Value state = whitening->state();
  state.set("mean", "0g" + state.text("mean").substr(2));
  EXPECT_EQ(refusal_of([&] { whitening->restore(state); }),
            "the state of the normaliser whitening is damaged");
  state.set("mean", "00");
  EXPECT_EQ(refusal_of([&] { whitening->restore(state); }),
            "the state of the normaliser whitening is damaged");
  EXPECT_EQ(refusal_of([&] { chosen("whitening")->apply(waves(2), stats); }),
            "activations.normalize: whitening: has not seen any rows; run:train fits it first");
}

}  // namespace
}  // namespace facet
