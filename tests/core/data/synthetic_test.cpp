// Synthetic rows: pure in their index, and with the statistics their parameters promise.
#include "data/synthetic.h"

#include <facet/torch.h>

#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include "expect_refusal.h"

namespace facet {
namespace {

/// Rows whose features can be read off: as many directions as dimensions, nearly orthogonal, no
/// noise.
Tensor firing_of(SyntheticParams params, int64_t n) {
  params.noise = 0;
  params.magnitudes = {1, 1};
  const SyntheticRows rows(params);
  const Tensor magnitude =
      torch::linalg_solve(rows.dictionary().t().to(torch::kFloat64),
                          rows.make(0, n).t().to(torch::kFloat64), /*left=*/true);
  return magnitude.t().gt(0.5).to(torch::kFloat64);  // [n, features]
}

TEST(Synthetic, makes_each_row_from_its_index_alone) {
  SyntheticParams params;
  params.noise = 0.1;
  params.correlation = 0.3;
  const SyntheticRows rows(params);
  const Tensor all = rows.make(0, 1000);
  EXPECT_EQ(all.sizes(), (std::vector<int64_t>{1000, 64}));
  for (const auto& [first, n] : {std::pair{0, 1}, {255, 2}, {300, 411}, {999, 1}, {512, 0}})
    EXPECT_TRUE(torch::equal(rows.make(first, n), all.slice(0, first, first + n))) << first;
  EXPECT_TRUE(torch::equal(SyntheticRows(params).make(0, 1000), all));
  params.seed = 1;
  EXPECT_FALSE(torch::equal(SyntheticRows(params).make(0, 1000), all));
}

TEST(Synthetic, gives_the_same_bits_on_one_thread) {
  const SyntheticRows rows{SyntheticParams()};
  const Tensor many = rows.make(10, 2000);
  const int threads = at::get_num_threads();
  at::set_num_threads(1);
  const Tensor one = rows.make(10, 2000);
  at::set_num_threads(threads);
  EXPECT_TRUE(torch::equal(many, one));
}

TEST(Synthetic, has_unit_directions) {
  const Tensor norms = SyntheticRows(SyntheticParams()).dictionary().norm(2, -1);
  EXPECT_EQ(norms.numel(), 256);
  EXPECT_LT((norms - 1).abs().max().item<double>(), 1e-6);
}

TEST(Synthetic, fires_with_the_share_and_the_correlation_asked_for) {
  constexpr int64_t kRows = 40000;
  for (const double correlation : {0.0, 0.5, 1.0}) {
    SyntheticParams params;
    params.d = params.features = 31;  // the last feature has no partner
    params.active = 6.2;              // p = 0.2
    params.correlation = correlation;
    const Tensor fires = firing_of(params, kRows);
    // Five standard errors: of a share sqrt(0.2 * 0.8 / rows), of a correlation at most 1 /
    // sqrt(rows).
    EXPECT_LT((fires.mean(0) - 0.2).abs().max().item<double>(), 0.01);
    const Tensor among = torch::corrcoef(fires.t());
    EXPECT_NEAR(among.index({0, 1}).item<double>(), correlation, 0.025);
    EXPECT_NEAR(among.index({28, 29}).item<double>(), correlation, 0.025);
    EXPECT_NEAR(among.index({1, 2}).item<double>(), 0, 0.025);
  }
}

TEST(Synthetic, adds_noise_of_the_deviation_asked_for) {
  SyntheticParams params;
  params.noise = 0.25;
  params.active = 1e-9;
  const Tensor noise = SyntheticRows(params).make(0, 5000);
  EXPECT_NEAR(noise.std().item<double>(), 0.25, 0.005);
  EXPECT_NEAR(noise.mean().item<double>(), 0, 0.005);
}

TEST(Synthetic, draws_magnitudes_between_the_two_given) {
  SyntheticParams params;
  params.d = params.features = 1;
  params.active = 1;  // fires in every row
  params.magnitudes = {2, 4};
  const Tensor size = SyntheticRows(params).make(0, 4000).abs();
  EXPECT_GE(size.min().item<double>(), 2 - 1e-6);
  EXPECT_LE(size.max().item<double>(), 4 + 1e-6);
  EXPECT_NEAR(size.mean().item<double>(), 3, 0.05);
}

TEST(Synthetic, refuses_what_cannot_be_drawn) {
  const auto refusal = [](const char* key, const Value& value) {
    return refusal_of([&] { synthetic_schema().parse("data", Value::Table{{key, value}}); });
  };
  EXPECT_EQ(refusal("active", 300), "data: active must not exceed features");
  EXPECT_EQ(refusal("magnitudes", Value::Array{1.0}),
            "data: magnitudes has 1 values, should be two: the least and the largest");
  EXPECT_EQ(refusal("magnitudes", Value::Array{2.0, 1.0}),
            "data: magnitudes must be positive, the least first");
  EXPECT_EQ(refusal("correlation", 1.5), "data.correlation: number 1.5, must be between 0 and 1");
}

}  // namespace
}  // namespace facet
