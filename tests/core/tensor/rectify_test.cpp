// ReLU, its codes and its sums in one pass, against LibTorch's functions one after another.
#include <ATen/Parallel.h>

#include <limits>

#include "core/tensor/ops_cases.h"

namespace facet {
namespace {

struct Outcome {
  ops::Rectified out;
  Tensor gradient;
};

// `weigh` makes a loss of what comes out.
using Weigh = std::function<Tensor(const ops::Rectified&)>;

Outcome fused(const Tensor& pre, const Weigh& weigh) {
  const Tensor x = pre.clone().requires_grad_();
  ops::Rectified out = ops::rectify(x);
  weigh(out).backward();
  return {std::move(out), x.grad()};
}

Outcome one_by_one(const Tensor& pre, const Weigh& weigh) {
  const Tensor x = pre.clone().requires_grad_();
  const Tensor active = x.relu();
  ops::Rectified out{active, active.sum(1), Codes::of(active)};
  weigh(out).backward();
  return {std::move(out), x.grad()};
}

void expect_same(const Tensor& pre, const Weigh& weigh, const char* what) {
  const Outcome a = fused(pre, weigh), b = one_by_one(pre, weigh);
  const auto same = [](const Tensor& x, const Tensor& y) {
    return torch::equal(x.isnan(), y.isnan()) &&
           torch::equal(x.detach().nan_to_num(), y.detach().nan_to_num());
  };
  EXPECT_TRUE(same(a.out.active, b.out.active)) << what;
  EXPECT_TRUE(torch::equal(a.out.codes.start, b.out.codes.start)) << what;
  EXPECT_TRUE(torch::equal(a.out.codes.latent, b.out.codes.latent)) << what;
  EXPECT_TRUE(same(a.out.codes.value, b.out.codes.value)) << what;
  EXPECT_TRUE(torch::allclose(a.out.sum, b.out.sum, kRounding, 1e-30, /*equal_nan=*/true)) << what;
  EXPECT_TRUE(torch::allclose(a.gradient, b.gradient, 1e-6, 1e-30, /*equal_nan=*/true)) << what;
}

TEST(Rectify, gives_what_the_functions_one_after_another_give) {
  for (const Case& c : kCases) {
    if (c.n == 0) continue;
    const Tensor pre = random_tensor({c.n, c.m}, "pre"), weight = random_tensor({c.n, c.m}, "w");
    expect_same(
        pre, [&](const ops::Rectified& r) { return (r.active * weight).sum(); }, "active");
    expect_same(
        pre, [&](const ops::Rectified& r) { return r.sum.square().mean(); }, "sum");
    expect_same(
        pre, [&](const ops::Rectified& r) { return r.codes.value.square().sum(); }, "value");
    expect_same(
        pre,
        [&](const ops::Rectified& r) {
          return (r.active * weight).sum() + 0.1 * r.sum.mean() + r.codes.value.sum();
        },
        "all");
    expect_same(
        pre.t().contiguous().t(),
        [&](const ops::Rectified& r) { return (r.active * weight).sum(); }, "turned");
  }
}

TEST(Rectify, takes_every_number) {
  const float infinite = std::numeric_limits<float>::infinity();
  const Tensor pre = torch::tensor({0.0f, -0.0f, 1e-45f, -1e-45f, 3e38f, -3e38f, NAN, infinite,
                                    -infinite, 1.0f, -1.0f, 1e-38f})
                         .view({2, 6})
                         .repeat({3, 7});
  expect_same(
      pre, [](const ops::Rectified& r) { return (2 * r.active).sum(); }, "every number");
  const ops::Rectified none = ops::rectify(torch::zeros({0, 5}));
  EXPECT_EQ(none.codes.rows(), 0);
  EXPECT_EQ(none.sum.size(0), 0);
  EXPECT_EQ(ops::rectify(-torch::ones({4, 5})).codes.nonzeros(), 0);
}

TEST(Rectify, gives_the_same_bits_on_any_number_of_threads) {
  const Tensor pre = random_tensor({500, 130}, "pre");
  const auto weigh = [](const ops::Rectified& r) { return r.active.square().sum() + r.sum.sum(); };
  const int threads = at::get_num_threads();
  std::vector<Outcome> out;
  for (const int n : {1, 3}) {
    at::set_num_threads(n);
    out.push_back(fused(pre, weigh));
  }
  at::set_num_threads(threads);
  EXPECT_TRUE(torch::equal(out[0].out.sum, out[1].out.sum));
  EXPECT_TRUE(torch::equal(out[0].gradient, out[1].gradient));
  EXPECT_TRUE(torch::equal(out[0].out.codes.latent, out[1].out.codes.latent));
}

}  // namespace
}  // namespace facet
