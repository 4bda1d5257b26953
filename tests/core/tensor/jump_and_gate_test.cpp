// JumpReLU's and the gated SAE's passes, which work out values, sums and gradients together,
// against LibTorch's functions one after another.
#include <ATen/Parallel.h>

#include <limits>

#include "core/tensor/ops_cases.h"
#include "tensor/plain_kernels.h"

namespace facet {
namespace {

// What comes out of a pass, first tensors, then gradients of its leaves.
using Passed = std::vector<Tensor>;
// Makes copies of the leaves, goes through the pass and back.
using Through = std::function<Passed(const std::vector<Tensor>& leaves)>;

Passed with_gradients(const std::vector<Tensor>& given,
                      const std::function<Passed(const std::vector<Tensor>&, Tensor& loss)>& pass) {
  std::vector<Tensor> leaves;
  for (const Tensor& t : given) leaves.push_back(t.clone().requires_grad_());
  Tensor loss = torch::zeros({});
  Passed out = pass(leaves, loss);
  loss.backward();
  for (const Tensor& leaf : leaves)
    out.push_back(leaf.grad().defined() ? leaf.grad() : torch::zeros_like(leaf));
  return out;
}

Passed plain_and(const Through& through, const std::vector<Tensor>& leaves) {
  const PlainKernels plain(true);
  return through(leaves);
}

void expect_near(const Passed& is, const Passed& expected, const std::string& what) {
  ASSERT_EQ(is.size(), expected.size());
  for (size_t i = 0; i < is.size(); ++i)
    EXPECT_TRUE(torch::allclose(is[i].detach(), expected[i].detach(), kRounding, 1e-6,
                                /*equal_nan=*/true))
        << what << ", tensor " << i << ": " << (is[i] - expected[i]).abs().max();
}

constexpr double kBandwidth = 0.5;  // wide: many pre-activations learn

Passed through_jump(const std::vector<Tensor>& leaves, bool to_input, const Tensor& weight) {
  return with_gradients(leaves, [&](const std::vector<Tensor>& x, Tensor& loss) -> Passed {
    const ops::Jumped z = ops::jump(x[0], x[1], {kBandwidth, to_input});
    loss = (z.active * weight).sum() + z.count.square().mean() + z.codes.value.square().sum();
    return {z.active, z.count, z.codes.start, z.codes.latent, z.codes.value};
  });
}

TEST(Jump, gives_what_the_functions_one_after_another_give) {
  for (const Case& c : kCases) {
    if (c.n == 0) continue;
    const Tensor weight = random_tensor({c.n, c.m}, "weight");
    const std::vector<Tensor> leaves = {random_tensor({c.n, c.m}, "pre"),
                                        0.3 * random_tensor({c.m}, "threshold")};
    for (const bool to_input : {false, true}) {
      const Through through = [&](const std::vector<Tensor>& x) {
        return through_jump(x, to_input, weight);
      };
      expect_near(through(leaves), plain_and(through, leaves),
                  "n " + std::to_string(c.n) + " m " + std::to_string(c.m));
    }
  }
}

TEST(Jump, teaches_thresholds_within_half_a_bandwidth) {
  const Tensor pre = torch::tensor({{0.1f, 0.9f, 1.2f, 3.0f}});
  const Tensor threshold = torch::ones({4}).requires_grad_();
  const ops::Jumped z = ops::jump(pre, threshold, {kBandwidth, false});
  EXPECT_TRUE(z.active.equal(torch::tensor({{0.0f, 0.0f, 1.2f, 3.0f}})));
  EXPECT_EQ(z.count.item<float>(), 2);
  (z.active.sum() + 10 * z.count.sum()).backward();
  // -(threshold + 10) / bandwidth where |pre - 1| < 0.25
  EXPECT_TRUE(threshold.grad().equal(torch::tensor({0.0f, -22.0f, -22.0f, 0.0f})));
}

TEST(Jump, takes_every_number) {
  const float infinite = std::numeric_limits<float>::infinity();
  const Tensor pre = torch::tensor({0.0f, -0.0f, 1e-45f, -1e-45f, 3e38f, -3e38f, NAN, infinite,
                                    -infinite, 1.0f, -1.0f, 1e-38f})
                         .view({2, 6})
                         .repeat({40, 7});
  const Tensor threshold = torch::tensor({0.0f, 1.0f, -1.0f}).repeat({14});
  const ops::Jumped z = ops::jump(pre, threshold, {kBandwidth, false});
  const PlainKernels plain(true);
  const ops::Jumped expected = ops::jump(pre, threshold, {kBandwidth, false});
  EXPECT_TRUE(torch::equal(z.active.isnan(), expected.active.isnan()));
  EXPECT_TRUE(torch::equal(z.active.nan_to_num(), expected.active.nan_to_num()));
  EXPECT_TRUE(torch::equal(z.count, expected.count));
  EXPECT_TRUE(torch::equal(z.codes.latent, expected.codes.latent));
  EXPECT_EQ(ops::jump(torch::zeros({0, 3}), torch::zeros({3}), {}).codes.rows(), 0);
}

std::vector<Tensor> gate_leaves(const Case& c) {
  return {random_tensor({c.n, c.m}, "u"), 0.3 * random_tensor({c.m}, "b_gate"),
          0.3 * random_tensor({c.m}, "r_mag"), 0.3 * random_tensor({c.m}, "b_mag")};
}

Passed through_gate(const std::vector<Tensor>& leaves, const Tensor& weight) {
  return with_gradients(leaves, [&](const std::vector<Tensor>& x, Tensor& loss) -> Passed {
    const ops::Gated z = ops::gate(x[0], x[1], x[2], x[3]);
    loss = (z.active * weight).sum() + (z.passed * weight).square().sum() + z.sum.square().mean() +
           z.codes.value.square().sum();
    return {z.active, z.passed, z.sum, z.codes.start, z.codes.latent, z.codes.value};
  });
}

TEST(Gate, gives_what_the_functions_one_after_another_give) {
  for (const Case& c : kCases) {
    if (c.n == 0) continue;
    const Tensor weight = random_tensor({c.n, c.m}, "weight");
    const Through through = [&](const std::vector<Tensor>& x) { return through_gate(x, weight); };
    expect_near(through(gate_leaves(c)), plain_and(through, gate_leaves(c)),
                "n " + std::to_string(c.n) + " m " + std::to_string(c.m));
  }
}

TEST(Gate, lets_magnitudes_through_where_it_is_open) {
  const Tensor u = torch::tensor({{-1.0f, 0.5f, 2.0f, 2.0f}});
  const Tensor b_gate = torch::tensor({0.5f, 0.5f, -2.0f, 0.0f});
  const Tensor r_mag = torch::zeros({4}), b_mag = torch::tensor({3.0f, 1.0f, 1.0f, -2.5f});
  const ops::Gated z = ops::gate(u, b_gate, r_mag, b_mag);
  EXPECT_TRUE(z.passed.equal(torch::tensor({{0.0f, 1.0f, 0.0f, 2.0f}})));
  EXPECT_TRUE(z.active.equal(torch::tensor({{0.0f, 1.5f, 0.0f, 0.0f}})));
  EXPECT_EQ(z.sum.item<float>(), 3);
  EXPECT_TRUE(z.codes.latent.equal(torch::tensor({1}, torch::kInt)));
  EXPECT_TRUE(
      ops::gate(torch::full({1, 4}, NAN), b_gate, r_mag, b_mag).active.isnan().all().item<bool>());
}

TEST(DensePasses, give_the_same_bits_on_any_number_of_threads) {
  const Case c{500, 0, 130, 0};
  const Tensor weight = random_tensor({c.n, c.m}, "weight");
  const int threads = at::get_num_threads();
  std::vector<Passed> out;
  for (const int count : {1, 2, 3}) {
    at::set_num_threads(count);
    Passed all = through_gate(gate_leaves(c), weight);
    for (Tensor& t : through_jump({gate_leaves(c)[0], gate_leaves(c)[1]}, true, weight))
      all.push_back(t);
    out.push_back(std::move(all));
  }
  at::set_num_threads(threads);
  for (size_t run = 1; run < out.size(); ++run)
    for (size_t i = 0; i < out[0].size(); ++i)
      EXPECT_TRUE(torch::equal(out[0][i], out[run][i])) << "tensor " << i;
}

}  // namespace
}  // namespace facet
