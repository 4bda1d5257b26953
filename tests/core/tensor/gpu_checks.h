// What the kernels of the TopK operations promise, on any device that they serve: each check makes
// its tensors there and compares with the reference on the CPU.
#pragma once

#include <c10/core/Device.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "core/tensor/numbers.h"
#include "facet/ops.h"

namespace facet::gpu_checks {

constexpr double kSums = 2e-5;  // sums of a few hundred float32 products in another order
constexpr double kAdam = 1e-6;  // the reference computes each step in double
constexpr auto kBoth = {ops::Negatives::zero, ops::Negatives::kept};

struct Sizes {
  int64_t n, d, m, k;
  std::string text() const {
    return "n " + std::to_string(n) + " m " + std::to_string(m) + " k " + std::to_string(k);
  }
};

inline Tensor small_integers(const std::vector<int64_t>& sizes, const std::string& purpose) {
  return random_tensor(sizes, purpose).mul_(2).round_();
}

/// [n, m]: in turn plain rows, rows full of ties, zeros of both signs, numbers near the largest and
/// infinities, denormals, rows with NaN, rows of one number, ascending and descending rows, and
/// rows without a positive number.
inline Tensor awkward_rows(int64_t n, int64_t m) {
  Tensor rows = random_tensor({n, m}, "awkward");
  const Tensor ramp = at::arange(m, at::kFloat);
  for (int64_t i = 0; i < n; ++i) {
    Tensor row = rows[i];
    switch (i % 10) {
      case 1:
        row.round_();
        break;
      case 2:
        row.sign_().mul_(0);
        break;
      case 3:
        row.mul_(3e38);
        break;  // a third of them overflow
      case 4:
        row.mul_(1e-40);
        break;
      case 5:
        row.masked_fill_(row > 1, std::numeric_limits<float>::quiet_NaN());
        break;
      case 6:
        row.fill_(static_cast<float>(i));
        break;
      case 7:
        row.copy_(ramp);
        break;
      case 8:
        row.copy_(ramp.flip(0));
        break;
      case 9:
        row.abs_().neg_();
        break;
      default:
        break;
    }
  }
  return rows;
}

inline void expect_same(const Codes& given, const Codes& expected) {
  const Codes is = given.cpu();
  EXPECT_TRUE(is.start.equal(expected.start));
  EXPECT_TRUE(same_bits(is.latent, expected.latent));
  EXPECT_TRUE(same_bits(is.value, expected.value));
  EXPECT_EQ(is.d_sae, expected.d_sae);
}

inline void keep_topk_has_the_bits_of_the_reference(at::Device device) {
  for (const Sizes& c : {Sizes{1, 0, 1, 1},
                         {0, 0, 9, 2},
                         {1000, 0, 300, 7},
                         {4000, 0, 77, 1},
                         {500, 0, 64, 64},
                         {20, 0, 5000, 300}}) {
    SCOPED_TRACE(c.text());
    const auto& [n, d, m, k] = c;
    const Tensor pre = awkward_rows(n, m);
    for (const auto negatives : kBoth)
      expect_same(ops::keep_topk(pre.to(device), k, negatives),
                  ops::reference::keep_topk(pre, k, negatives));
  }
}

/// Rows of which all products and sums are exact, so that no order of summation matters: small
/// integers, of which there are many ties; the same huge and denormal; zeros; with a NaN.
struct Exact {
  Exact(int64_t n, int64_t d, int64_t m)
      : x(small_integers({n, d}, "x")),
        w_enc(small_integers({m, d}, "w_enc").t()),
        b_enc(small_integers({m}, "b_enc")) {
    const float nan = std::numeric_limits<float>::quiet_NaN();
    for (int64_t i = 0; i < n; ++i) {
      if (i % 7 == 2) x[i].mul_(0x1p100);
      if (i % 7 == 3) x[i].mul_(0x1p-140);
      if (i % 7 == 4) x[i].zero_();
      if (i % 7 == 5) x[i][d / 2] = nan;
    }
  }
  Tensor x, w_enc, b_enc;
};

/// More latents and more rows than one tile has, and more kept than one tile has.
inline void encode_topk_has_the_bits_of_the_reference(at::Device device) {
  for (const Sizes& c : {Sizes{1, 1, 1, 1},
                         {0, 4, 9, 2},
                         {5000, 6, 60, 5},
                         {200, 33, 300, 32},
                         {14, 5, 20000, 40},
                         {7, 3, 17000, 9000},
                         {7, 3, 500, 500}}) {
    SCOPED_TRACE(c.text());
    const auto& [n, d, m, k] = c;
    const Exact e(n, d, m);
    const Tensor pre = ops::reference::pre_activations(e.x, e.w_enc, e.b_enc, Tensor());
    for (const auto negatives : kBoth)
      expect_same(ops::encode_topk(e.x.to(device), e.w_enc.to(device), e.b_enc.to(device), Tensor(),
                                   k, negatives),
                  ops::reference::keep_topk(pre, k, negatives));
  }
}

/// A step of an SAE: its loss has all five parameters' gradients.
struct Step {
  Step(int64_t n, int64_t d, int64_t m, int64_t active, at::Device device)
      : x(leaf(random_tensor({n, d}, "x"), device)),
        w_enc(leaf(random_tensor({m, d}, "w_enc").t(), device)),
        b_enc(leaf(random_tensor({m}, "b_enc"), device)),
        w_dec(leaf(random_tensor({m, d}, "w_dec"), device)),
        b_dec(leaf(random_tensor({d}, "b_dec"), device)),
        codes(ops::encode_topk(x, w_enc, b_enc, b_dec, active)) {
    output = ops::decode(codes, w_dec, b_dec);
    codes.value.retain_grad();
    slope = random_tensor({n, d}, "slope");
    output.backward(slope.to(device));
  }
  static Tensor leaf(const Tensor& t, at::Device device) {
    return t.to(device).clone().requires_grad_();
  }
  std::vector<Tensor> results() const {
    std::vector<Tensor> out = {codes.latent, codes.value, codes.value.grad(), output};
    for (const Tensor& t : {x, w_enc, b_enc, w_dec, b_dec}) out.push_back(t.grad());
    for (Tensor& t : out) t = t.detach().cpu();
    return out;
  }
  Tensor x, w_enc, b_enc, w_dec, b_dec;
  Codes codes;
  Tensor output, slope;
};

inline void a_step_has_the_gradients_of_the_reference(at::Device device) {
  for (const Sizes& c : {Sizes{1, 1, 1, 1},
                         {3, 5, 7, 2},
                         {4, 8, 16, 16},
                         {300, 17, 65, 9},
                         {40, 100, 1000, 32},
                         {0, 4, 9, 2}}) {
    SCOPED_TRACE(c.text());
    const auto& [n, d, m, k] = c;
    const Step s(n, d, m, k, device);
    const auto here = [](const Tensor& t) { return t.detach().cpu(); };
    const Codes codes = s.codes.cpu();
    const Tensor pre =
        ops::reference::pre_activations(here(s.x), here(s.w_enc), here(s.b_enc), here(s.b_dec));
    const Codes expected = ops::reference::keep_topk(pre, k);
    EXPECT_TRUE(codes.latent.equal(expected.latent));
    EXPECT_LT(worst(codes.value, expected.value), kSums);
    EXPECT_LT(worst(here(s.output), ops::reference::decode(codes, here(s.w_dec), here(s.b_dec))),
              kSums);

    const auto decoded = ops::reference::decode_backward(codes, s.slope, here(s.w_dec));
    EXPECT_LT(worst(here(s.codes.value.grad()), decoded.value), kSums);
    EXPECT_LT(worst(here(s.w_dec.grad()), decoded.w_dec), kSums);
    const auto encoded = ops::reference::encode_topk_backward(
        codes, here(s.codes.value.grad()), here(s.x), here(s.w_enc), here(s.b_dec));
    EXPECT_LT(worst(here(s.x.grad()), encoded.x), kSums);
    EXPECT_LT(worst(here(s.w_enc.grad()), encoded.w_enc), kSums);
    EXPECT_LT(worst(here(s.b_enc.grad()), encoded.b_enc), kSums);
    EXPECT_LT(worst(here(s.b_dec.grad()), encoded.b_dec + decoded.b_dec), kSums);
    EXPECT_EQ(s.w_enc.grad().strides(), s.w_enc.strides());
  }
}

inline void a_step_has_the_same_bits_again(at::Device device) {
  const auto once = Step(500, 40, 300, 16, device).results();
  const auto again = Step(500, 40, 300, 16, device).results();
  for (size_t i = 0; i < once.size(); ++i) EXPECT_TRUE(same_bits(once[i], again[i])) << i;
}

inline void decode_takes_rows_of_any_length(at::Device device) {
  const Tensor dense = floats({0, 2, 0, 3, 0, 0, 0, 0, 1, 0, 0, 0}).view({4, 3});
  const Tensor w_dec = random_tensor({3, 45}, "w_dec");
  Codes codes = Codes::of(dense.to(device));
  codes.value.requires_grad_();
  const Tensor out = ops::decode(codes, w_dec.to(device), Tensor());
  EXPECT_LT(worst(out.detach().cpu(), dense.matmul(w_dec)), kSums);
  const Tensor slope = random_tensor({4, 45}, "slope");
  out.backward(slope.to(device));
  const auto expected = ops::reference::decode_backward(codes.cpu(), slope, w_dec);
  EXPECT_LT(worst(codes.value.grad().cpu(), expected.value), kSums);
}

/// Rows that fire and rows that do not, and gradients whose squares are denormal or overflow.
inline void adam_step_equals_the_reference(at::Device device) {
  ops::Adam adam;
  adam.weight_decay = 0.1;
  Tensor p = random_tensor({40, 701}, "param").to(device);
  Tensor m = at::zeros_like(p), v = at::zeros_like(p);
  Tensor rp = p.cpu(), rm = m.cpu(), rv = v.cpu();
  for (int64_t step = 1; step <= 6; ++step) {
    const Tensor gradient = random_tensor({40, 701}, "gradient" + std::to_string(step));
    if (step % 2 == 0) gradient.narrow(0, 5, 20).zero_();
    gradient[0].mul_(1e-22);
    gradient[1].mul_(1e17);
    ops::adam_step(p, gradient.to(device), m, v, step, adam);
    ops::reference::adam_step(rp, gradient, rm, rv, step, adam);
  }
  EXPECT_LT(worst(p.cpu(), rp), kAdam);
  EXPECT_LT(worst(m.cpu(), rm), kAdam);
  EXPECT_LT(worst(v.cpu(), rv), kAdam);
}

inline void rows_are_normalised_and_projected_like_the_reference(at::Device device) {
  for (const int64_t d : {1, 5, 31, 300}) {
    const Tensor base = random_tensor({70, d}, "w"), slope = random_tensor({70, d}, "g");
    Tensor w = base.to(device).clone(), g = slope.to(device).clone();
    Tensor reference_w = base.clone(), reference_g = slope.clone();
    ops::remove_parallel(g, w, 1e-6);
    ops::reference::remove_parallel(reference_g, reference_w, 1e-6);
    ops::normalise_rows(w, 1e-7);
    ops::reference::normalise_rows(reference_w, 1e-7);
    EXPECT_LT(worst(g.cpu(), reference_g), kSums);
    EXPECT_LT(worst(w.cpu(), reference_w), kSums);
  }
}

struct Check {
  const char* name;
  void (*run)(at::Device);
};
inline const std::vector<Check> kAll = {
    {"keep_topk_has_the_bits_of_the_reference", keep_topk_has_the_bits_of_the_reference},
    {"encode_topk_has_the_bits_of_the_reference", encode_topk_has_the_bits_of_the_reference},
    {"a_step_has_the_gradients_of_the_reference", a_step_has_the_gradients_of_the_reference},
    {"a_step_has_the_same_bits_again", a_step_has_the_same_bits_again},
    {"decode_takes_rows_of_any_length", decode_takes_rows_of_any_length},
    {"adam_step_equals_the_reference", adam_step_equals_the_reference},
    {"rows_are_normalised_and_projected_like_the_reference",
     rows_are_normalised_and_projected_like_the_reference},
};
inline std::string name_of(const testing::TestParamInfo<Check>& check) { return check.param.name; }
inline void PrintTo(const Check& check, std::ostream* out) { *out << check.name; }

}  // namespace facet::gpu_checks
