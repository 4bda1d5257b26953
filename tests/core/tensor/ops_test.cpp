// Every operation, the working version against the reference, over a table of shapes and layouts.
#include "facet/ops.h"

#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>

#include "core/tensor/ops_cases.h"
#include "facet/error.h"
#include "facet/torch.h"
#include "tensor/elsewhere.h"

namespace facet {
namespace {

constexpr auto kZero = ops::Negatives::zero;

/// The implementations of what runs on the CPU and, in other words, on other devices.
struct Implementation {
  const char* name;
  Codes (*keep_topk)(const Tensor&, int64_t, ops::Negatives);
  Tensor (*decode)(const Codes&, const Tensor&, const Tensor&);
  void (*adam_step)(Tensor&, const Tensor&, Tensor&, Tensor&, int64_t, const ops::Adam&);
  void (*normalise_rows)(Tensor&, double);
  void (*remove_parallel)(Tensor&, const Tensor&, double);
};

constexpr Implementation kImplementations[] = {
    {"cpu", ops::keep_topk, ops::decode, ops::adam_step, ops::normalise_rows, ops::remove_parallel},
    {"elsewhere", ops::elsewhere::keep_topk, ops::elsewhere::decode, ops::elsewhere::adam_step,
     ops::elsewhere::normalise_rows, ops::elsewhere::remove_parallel},
};

void for_each_implementation(const std::function<void(const Implementation&)>& test) {
  for (const Implementation& implementation : kImplementations) {
    SCOPED_TRACE(implementation.name);
    test(implementation);
  }
}

TEST(Ops, affine_is_a_product_and_a_bias_with_the_gradients_of_both) {
  for (const Case& c : kCases) {
    const Problem p(c);
    for (const Tensor& b : {p.b_enc, Tensor()}) {
      for (const Tensor& shift : {Tensor(), p.b_dec}) {
        const auto learnt = [&](at::ScalarType type) {
          std::vector<Tensor> out = {p.x, p.w_enc, b, shift};
          for (Tensor& t : out)
            if (t.defined()) t = t.detach().to(type).requires_grad_();
          return out;
        };
        const std::vector<Tensor> in = learnt(at::kFloat), wide = learnt(at::kDouble);
        const Tensor is = shift.defined() ? ops::pre_activations(in[0], in[1], in[2], in[3])
                                          : ops::affine(in[0], in[1], in[2]);
        const Tensor product = (shift.defined() ? wide[0] - wide[3] : wide[0]).matmul(wide[1]);
        const Tensor expected = b.defined() ? product + wide[2] : product;
        EXPECT_LT(worst(is, expected), kRounding);
        const Tensor weight = random_tensor({c.n, c.m}, "weight");
        (is * weight).sum().backward();
        (expected * weight).sum().backward();
        for (size_t i = 0; i < 4; ++i) {
          if (!in[i].defined()) continue;
          EXPECT_LT(worst(in[i].grad(), wide[i].grad()), kRounding) << i;
        }
      }
    }
  }
}

TEST(Ops, affine_has_the_same_bits_at_any_number_of_threads) {
  const Problem p({700, 96, 800, 1});
  const int before = at::get_num_threads();
  std::vector<Tensor> outputs, gradients;
  for (const int threads : {1, 2, 3}) {
    at::set_num_threads(threads);
    const Tensor w = p.w_enc.detach().requires_grad_();
    outputs.push_back(ops::affine(p.x, w, p.b_enc));
    outputs.back().square().sum().backward();
    gradients.push_back(w.grad());
  }
  at::set_num_threads(before);
  for (const size_t i : {1, 2}) {
    EXPECT_TRUE(same_bits(outputs[i].detach(), outputs[0].detach()));
    EXPECT_TRUE(same_bits(gradients[i], gradients[0]));
  }
}

TEST(Ops, pre_activations_equal_the_reference) {
  for_each_case([](const Problem& p) {
    EXPECT_LT(worst(ops::pre_activations(p.x, p.w_enc, p.b_enc, p.b_dec), p.pre()), kRounding);
    EXPECT_LT(worst(ops::pre_activations(p.x, p.w_enc, p.b_enc, Tensor()),
                    ops::reference::pre_activations(p.x, p.w_enc, p.b_enc, Tensor())),
              kRounding);
  });
}

TEST(Ops, keep_topk_has_the_bits_of_the_reference) {
  for_each_implementation([](const Implementation& is) {
    for_each_case([&](const Problem& p) {
      expect_same_codes(is.keep_topk(p.pre(), p.k, kZero), ops::reference::keep_topk(p.pre(), p.k));
    });
  });
}

TEST(Ops, keep_topk_has_the_bits_of_the_reference_on_awkward_rows) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float infinity = std::numeric_limits<float>::infinity();
  const Tensor tied = at::zeros({2, 300});
  Tensor few = at::full({1, 500}, -1.0f);
  few[0][499] = 3.0f;
  const Tensor rows[] = {
      tied,
      few,
      at::arange(1000, at::kFloat).view({1, -1}),
      at::arange(1000, at::kFloat).flip(0).view({1, -1}),
      at::full({1, 400}, nan),
      floats({1, nan, 3, -nan, infinity, -infinity, -0.0f, 0.0f, 2, nan, 5, 5, 5}).view({1, -1}),
      random_tensor({20, 777}, "coarse").round(),
  };
  for_each_implementation([&](const Implementation& is) {
    for (const Tensor& pre : rows)
      for (const int64_t k : {1, 2, 3, 4, 13})
        for (const auto negatives : {kZero, ops::Negatives::kept})
          expect_same_codes(is.keep_topk(pre, k, negatives),
                            ops::reference::keep_topk(pre, k, negatives));
  });
}

TEST(Ops, keep_topk_breaks_ties_to_the_lowest_latent) {
  const Codes codes = ops::keep_topk(floats({1, 5, 0, 5, 5, -0.0f}).view({1, -1}), 2);
  EXPECT_TRUE(codes.latent.equal(torch::tensor({1, 3}, at::kInt)));
}

TEST(Ops, keep_topk_never_hides_a_nan) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const Codes codes = ops::keep_topk(floats({1, 9, nan, 2}).view({1, -1}), 2);
  EXPECT_TRUE(codes.latent.equal(torch::tensor({1, 2}, at::kInt)));
  EXPECT_TRUE(std::isnan(codes.value[1].item<float>()));
}

TEST(Ops, keep_topk_keeps_entries_that_relu_makes_zero) {
  const Codes codes = ops::keep_topk(floats({-3, -1, -2}).view({1, -1}), 2);
  EXPECT_TRUE(codes.latent.equal(torch::tensor({1, 2}, at::kInt)));
  EXPECT_TRUE(codes.value.equal(at::zeros({2})));
}

TEST(Ops, keep_topk_refuses_k_above_the_number_of_latents) {
  EXPECT_THROW(ops::keep_topk(at::zeros({1, 3}), 4), Bug);
  EXPECT_THROW(ops::keep_topk(at::zeros({1, 3}), 0), Bug);
}

TEST(Ops, keep_topk_passes_gradients_to_positive_entries) {
  for_each_implementation([](const Implementation& is) {
    const Tensor pre = floats({-1, 4, 2, -3}).view({1, -1}).requires_grad_();
    const Codes codes = is.keep_topk(pre, 3, kZero);
    (codes.value * floats({10, 20, 30})).sum().backward();
    EXPECT_TRUE(pre.grad().equal(floats({0, 20, 30, 0}).view({1, -1})));
  });
}

TEST(Ops, keep_topk_can_keep_negative_values_and_their_gradients) {
  for_each_implementation([](const Implementation& is) {
    const Tensor pre = floats({-1, 4, -2, -3}).view({1, -1}).requires_grad_();
    const Codes codes = is.keep_topk(pre, 3, ops::Negatives::kept);
    EXPECT_TRUE(codes.value.equal(floats({-1, 4, -2})));
    (codes.value * floats({10, 20, 30})).sum().backward();
    EXPECT_TRUE(pre.grad().equal(floats({10, 20, 30, 0}).view({1, -1})));
  });
}

TEST(Ops, decode_equals_the_reference) {
  for_each_implementation([](const Implementation& is) {
    for_each_case([&](const Problem& p) {
      const Codes codes = ops::reference::keep_topk(p.pre(), p.k);
      for (const Tensor& b_dec : {p.b_dec, Tensor()})
        EXPECT_LT(
            worst(is.decode(codes, p.w_dec, b_dec), ops::reference::decode(codes, p.w_dec, b_dec)),
            kRounding);
    });
  });
}

TEST(Ops, decode_gradients_equal_the_reference) {
  for_each_implementation([](const Implementation& implementation) {
    for_each_case([&](const Problem& p) {
      Codes codes = ops::reference::keep_topk(p.pre(), p.k);
      codes.value.requires_grad_();
      const Tensor w_dec = p.w_dec.clone().requires_grad_(),
                   b_dec = p.b_dec.clone().requires_grad_();
      const Tensor gradient = random_tensor({p.x.size(0), p.x.size(1)}, "gradient");
      implementation.decode(codes, w_dec, b_dec).backward(gradient);
      const auto expected = ops::reference::decode_backward(codes.cpu(), gradient, p.w_dec);
      EXPECT_LT(worst(codes.value.grad(), expected.value), kRounding);
      EXPECT_LT(worst(w_dec.grad(), expected.w_dec), kRounding);
      EXPECT_LT(worst(b_dec.grad(), expected.b_dec), kRounding);
      EXPECT_EQ(w_dec.grad().strides(), w_dec.strides());
    });
  });
}

TEST(Ops, decode_takes_rows_of_any_length) {
  const Tensor dense = floats({0, 2, 0, 3, 0, 0, 0, 0, 1}).view({3, 3});
  const Tensor w_dec = random_tensor({3, 4}, "w_dec");
  EXPECT_LT(worst(ops::decode(Codes::of(dense), w_dec, Tensor()), dense.matmul(w_dec)), kRounding);
}

/// Slopes of the loss along a random direction: by autograd, and by a difference of two values in
/// float32.
TEST(Ops, gradients_agree_with_finite_differences) {
  constexpr double kStep = 1e-3;
  constexpr double kSlope = 2e-2;  // float32 loss over a step of 1e-3
  const Problem p({7, 6, 30, 4});
  const Tensor weight = random_tensor({7, 6}, "loss");
  const auto loss = [&](const std::vector<Tensor>& v) {
    return (ops::decode(ops::encode_topk(v[0], v[1], v[2], v[3], 4), v[4], v[3]) * weight).sum();
  };
  std::vector<Tensor> at_point = {p.x, p.w_enc, p.b_enc, p.b_dec, p.w_dec};
  for (Tensor& v : at_point) v = v.clone().requires_grad_();
  loss(at_point).backward();
  for (size_t which = 0; which < at_point.size(); ++which) {
    std::vector<Tensor> up, down;
    for (const Tensor& v : at_point) {
      up.push_back(v.detach().clone());
      down.push_back(v.detach().clone());
    }
    const Tensor direction = random_tensor(up[which].sizes().vec(), "direction");
    up[which].add_(direction, kStep);
    down[which].sub_(direction, kStep);
    const double expected = (loss(up) - loss(down)).item<double>() / (2 * kStep);
    const double is = (at_point[which].grad() * direction).sum().item<double>();
    EXPECT_NEAR(is, expected, kSlope * std::max(1.0, std::abs(expected))) << "variable " << which;
  }
}

void expect_adam_of_the_reference(const Implementation& implementation, bool transposed) {
  constexpr double kAdam = 1e-6;  // the reference computes each step in double
  ops::Adam adam;
  adam.weight_decay = 0.1;
  const auto laid_out = [&](const Tensor& t) { return transposed ? t.t() : t; };
  Tensor p = laid_out(random_tensor({40, 700}, "param"));
  Tensor m = at::zeros_like(p), v = at::zeros_like(p);
  Tensor rp = p.clone(), rm = m.clone(), rv = v.clone();
  for (int64_t step = 1; step <= 5; ++step) {
    const Tensor gradient = laid_out(random_tensor({40, 700}, "gradient" + std::to_string(step)));
    implementation.adam_step(p, gradient, m, v, step, adam);
    ops::reference::adam_step(rp, gradient, rm, rv, step, adam);
  }
  EXPECT_LT(worst(p, rp), kAdam);
  EXPECT_LT(worst(m, rm), kAdam);
  EXPECT_LT(worst(v, rv), kAdam);
}

TEST(Ops, adam_step_equals_the_reference) {
  for_each_implementation([](const Implementation& implementation) {
    expect_adam_of_the_reference(implementation, false);
    expect_adam_of_the_reference(implementation, true);
  });
}

TEST(Ops, adam_step_refuses_layouts_that_differ) {
  Tensor p = at::zeros({2, 3}), m = at::zeros({2, 3}), v = at::zeros({2, 3});
  EXPECT_THROW(ops::adam_step(p, at::zeros({3, 2}).t(), m, v, 1, {}), Bug);
}

TEST(Ops, rows_are_normalised_and_projected_like_the_reference) {
  for_each_implementation([](const Implementation& implementation) {
    for (const int64_t d : {1, 5, 300}) {
      const Tensor base = random_tensor({70, d}, "w");
      Tensor w = base.clone(), reference_w = base.clone();
      Tensor g = random_tensor({70, d}, "g"), reference_g = g.clone();
      implementation.remove_parallel(g, w, 1e-6);
      ops::reference::remove_parallel(reference_g, reference_w, 1e-6);
      implementation.normalise_rows(w, 1e-7);
      ops::reference::normalise_rows(reference_w, 1e-7);
      EXPECT_LT(worst(g, reference_g), kRounding);
      EXPECT_LT(worst(w, reference_w), kRounding);
      EXPECT_LT(worst(w.norm(2, {1}), at::ones({70})), kRounding);
    }
  });
}

/// Everything that follows the pre-activations, with one thread and with two.
TEST(Ops, results_do_not_depend_on_the_number_of_threads) {
  const Problem p({300, 33, 400, 8});
  const Tensor pre = p.pre();
  const auto results = [&](int threads) {
    const int before = at::get_num_threads();
    at::set_num_threads(threads);
    std::vector<Tensor> out;
    const Codes kept = ops::keep_topk(pre, p.k);
    out.insert(out.end(), {kept.latent, kept.value});
    // Small integers: the matrix product is exact, so the codes are the same whatever its order.
    const Tensor x = p.x.mul(4).round().requires_grad_(),
                 w_enc = p.w_enc.mul(4).round().requires_grad_();
    const Tensor b_enc = p.b_enc.round().requires_grad_(), b_dec = p.b_dec.round().requires_grad_();
    Tensor w_dec = p.w_dec.clone().requires_grad_();
    const Tensor decoded = ops::decode(ops::encode_topk(x, w_enc, b_enc, b_dec, p.k), w_dec, b_dec);
    decoded.backward(random_tensor({300, 33}, "gradient"));
    out.insert(out.end(), {decoded.detach(), x.grad(), w_enc.grad(), b_enc.grad(), b_dec.grad(),
                           w_dec.grad()});
    Tensor first = at::zeros_like(w_dec), second = at::zeros_like(w_dec),
           gradient = w_dec.grad().clone();
    ops::remove_parallel(gradient, w_dec.detach(), 1e-6);
    ops::adam_step(w_dec, gradient, first, second, 1, {});
    Tensor unit = w_dec.detach().clone();
    ops::normalise_rows(unit, 1e-7);
    out.insert(out.end(), {gradient, w_dec.detach(), first, second, unit});
    at::set_num_threads(before);
    return out;
  };
  const std::vector<Tensor> one = results(1), two = results(2), three = results(3);
  for (size_t i = 0; i < one.size(); ++i) {
    EXPECT_TRUE(same_bits(one[i], two[i])) << "result " << i;
    EXPECT_TRUE(same_bits(one[i], three[i])) << "result " << i;
  }
}

}  // namespace
}  // namespace facet
