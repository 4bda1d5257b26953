// Packed weights: the same numbers, products within rounding, gradients by the library.
#include "fast_linear.h"

#include <ATen/CPUGeneratorImpl.h>

#include <set>

#include "host_adapters/adapters.h"

namespace facet {
namespace {

using layers::FastLinear;

constexpr double kOrderOfSums = 1e-6;  // of a row's length

Tensor some(at::IntArrayRef sizes, uint64_t seed) {
  auto generator = at::make_generator<at::CPUGeneratorImpl>(seed);
  return torch::randn(sizes, generator, torch::TensorOptions(torch::kFloat32));
}

FastLinear packed_of(const Tensor& weight, const Tensor& bias) {
  FastLinear out({weight, bias});
  out.pack();
  return out;
}

TEST(FastLinear, multiplies_as_the_plain_layer_at_every_number_of_rows) {
  for (const bool biased : {true, false}) {
    const Tensor weight = some({50, 48}, 1), bias = biased ? some({50}, 2) : Tensor();
    const FastLinear packed = packed_of(weight, bias), plain({weight, bias});
    for (const int64_t n : {0, 1, 2, 15, 16, 17, 200, 300, 1000}) {
      const torch::NoGradGuard no_gradients;
      const Tensor x = some({n, 48}, 3);
      const Tensor expected =
          torch::matmul(x.to(torch::kFloat64), weight.to(torch::kFloat64).t()) +
          (biased ? bias.to(torch::kFloat64) : torch::zeros({50}, torch::kFloat64));
      for (const FastLinear* layer : {&packed, &plain}) {
        const Tensor sums = (*layer)(x), rows = layers::by_rows(x, *layer);
        ASSERT_EQ(sums.sizes(), expected.sizes());
        ASSERT_EQ(rows.sizes(), expected.sizes());
        if (n == 0) continue;
        EXPECT_LT(worst_row(sums, expected), kOrderOfSums) << n;
        EXPECT_LT(worst_row(rows, expected), kOrderOfSums) << n;
        EXPECT_LT(worst_row((*layer)(x, FastLinear::Then::gelu), at::gelu(expected)), kOrderOfSums)
            << n;
      }
    }
  }
}

TEST(FastLinear, is_given_rows_in_a_few_sizes) {
  const torch::NoGradGuard no_gradients;
  const int threads = at::get_num_threads();
  for (const int many : {1, 3}) {
    at::set_num_threads(many);
    const int64_t most = 256 * many;
    std::set<int64_t> sizes;
    for (int64_t n = 17; n < 1900; n += n < 300 ? 1 : 37) {
      std::vector<int64_t> parts;
      const Tensor x = torch::arange(2 * n, torch::kFloat32).view({n, 2});
      const Tensor out = layers::by_rows(x, [&](const Tensor& rows) {
        parts.push_back(rows.size(0));
        return rows + 1;
      });
      ASSERT_TRUE(torch::equal(out, x + 1)) << n;
      if (n <= most) {
        ASSERT_EQ(parts.size(), 1u) << n;
        EXPECT_LT(parts[0], n + 8);
      } else {
        sizes.insert(parts.begin(), parts.end());
      }
    }
    EXPECT_LE(sizes.size(), static_cast<size_t>(4 * many + 2));
    EXPECT_EQ(*sizes.begin(), 16);
    EXPECT_EQ(*sizes.rbegin(), most);
  }
  at::set_num_threads(threads);
}

TEST(FastLinear, keeps_its_weight_bit_for_bit) {
  for (const at::ScalarType dtype : {at::kFloat, at::kBFloat16, at::kHalf}) {
    const Tensor weight = some({37, 65}, 4).to(dtype);
    EXPECT_TRUE(torch::equal(packed_of(weight, {}).plain_weight(), weight)) << dtype;
  }
  EXPECT_FALSE(packed_of(some({8, 8}, 5).to(at::kHalf), {}).packed()) << "no gain";
  FastLinear kept = packed_of(some({8, 9}, 5), {});
  kept.keep_plain();
  EXPECT_TRUE(torch::equal(kept.plain_weight(), some({8, 9}, 5)));
  EXPECT_TRUE(kept.plain_weight().is_same(kept.plain_weight()));
  EXPECT_TRUE(kept.packed());
}

TEST(FastLinear, passes_gradients_to_its_rows) {
  const Tensor weight = some({20, 24}, 6), bias = some({20}, 7);
  Tensor x = some({9, 24}, 8).requires_grad_();
  packed_of(weight, bias)(x, FastLinear::Then::gelu).sum().backward();
  Tensor same = x.detach().clone().requires_grad_();
  at::gelu(at::linear(same, weight, bias)).sum().backward();
  EXPECT_TRUE(torch::equal(x.grad(), same.grad()));
}

}  // namespace
}  // namespace facet
