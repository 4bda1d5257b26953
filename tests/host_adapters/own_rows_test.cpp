// RMS norm and SwiGLU in one pass, against float64.
#include "own_rows.h"

#include <ATen/CPUGeneratorImpl.h>

#include "host_adapters/adapters.h"
#include "layers.h"

namespace facet {
namespace {

constexpr double kFewRoundings = 1e-6;  // of a row's length

Tensor drawn(int64_t n, int64_t d, double scale) {
  auto generator = at::make_generator<at::CPUGeneratorImpl>(static_cast<uint64_t>(n * 1000 + d));
  return torch::randn({n, d}, generator, torch::TensorOptions(torch::kFloat32)) * scale;
}

TEST(OwnRows, norm_each_row_by_its_length) {
  const torch::NoGradGuard no_gradients;
  if (!layers::in_one_pass(torch::ones({1, 1})))
    GTEST_SKIP() << "this processor has neither AVX2 nor AVX-512";
  for (const int64_t d : {1, 7, 8, 15, 16, 17, 64, 577})
    for (const double scale : {1e-4, 1.0, 1e4}) {
      const Tensor x = drawn(37, d, scale), weight = drawn(1, d, 1).squeeze(0);
      const Tensor wide = x.to(torch::kFloat64);
      const Tensor expected =
          wide * (wide.square().mean(1, true) + 1e-5).rsqrt() * weight.to(torch::kFloat64);
      EXPECT_LT(worst_row(layers::own_rms_norm(x, weight, 1e-5), expected), kFewRoundings)
          << d << " " << scale;
      EXPECT_TRUE(
          torch::equal(layers::rms_norm(x, weight, 1e-5), layers::own_rms_norm(x, weight, 1e-5)));
    }
  EXPECT_EQ(layers::rms_norm(torch::zeros({0, 8}), torch::ones({8}), 1e-5).size(0), 0);
}

TEST(OwnRows, gate_by_silu_whatever_the_numbers) {
  const torch::NoGradGuard no_gradients;
  if (!layers::in_one_pass(torch::ones({1, 1})))
    GTEST_SKIP() << "this processor has neither AVX2 nor AVX-512";
  for (const int64_t m : {1, 7, 8, 16, 19, 33, 1536}) {
    const Tensor x = drawn(23, 2 * m, 6);
    const Tensor wide = x.to(torch::kFloat64), gate = wide.narrow(1, 0, m);
    const Tensor expected = gate * gate.sigmoid() * wide.narrow(1, m, m);
    const Tensor off = (layers::own_gated_silu(x).to(torch::kFloat64) - expected).abs();
    EXPECT_LT((off / expected.abs() / (1 + gate.abs() / 4)).max().item<double>(), 5e-7) << m;
    EXPECT_TRUE(torch::equal(layers::gated_silu(x), layers::own_gated_silu(x)));
  }
  const float far = 3e38f;
  const Tensor out = layers::own_gated_silu(
      torch::tensor({far, -far, 0.0f, std::numeric_limits<float>::quiet_NaN(), 1.f, 1.f, 5.f, 1.f})
          .view({1, 8}));
  EXPECT_EQ(out[0][0].item<float>(), far);
  EXPECT_LT(out[0][1].abs().item<float>(), 1e1f) << "e^-x below the smallest float is the smallest";
  EXPECT_EQ(out[0][2].item<float>(), 0.0f);
  EXPECT_TRUE(std::isnan(out[0][3].item<float>()));
}

TEST(OwnRows, are_left_to_the_library_elsewhere) {
  EXPECT_FALSE(layers::in_one_pass(torch::ones({2, 2}))) << "with gradients";
  const torch::NoGradGuard no_gradients;
  EXPECT_FALSE(layers::in_one_pass(torch::ones({2, 2}, torch::kBFloat16)));
  EXPECT_FALSE(layers::in_one_pass(torch::ones({4, 4}).narrow(1, 0, 2)));
  EXPECT_FALSE(layers::in_one_pass(torch::ones({2, 2, 2})));
  const Tensor x = drawn(5, 16, 1).to(torch::kBFloat16);
  EXPECT_EQ(layers::gated_silu(x).scalar_type(), torch::kBFloat16);
}

}  // namespace
}  // namespace facet
