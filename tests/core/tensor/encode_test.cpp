// Encoders, the working versions against the reference.
#include "core/tensor/ops_cases.h"
#include "tensor/elsewhere.h"

namespace facet {
namespace {

// Sums of products in another order: the same latents where no two values are that close.
void expect_close_codes(const Codes& is, const Codes& expected) {
  EXPECT_TRUE(is.start.equal(expected.start));
  EXPECT_TRUE(is.latent.equal(expected.latent));
  EXPECT_LT(worst(is.value, expected.value), kRounding);
  EXPECT_EQ(is.d_sae, expected.d_sae);
}

TEST(Encode, encode_topk_equals_the_two_calls) {
  for_each_case([](const Problem& p) {
    for (const auto negatives : {ops::Negatives::zero, ops::Negatives::kept}) {
      const Codes encoded = ops::encode_topk(p.x, p.w_enc, p.b_enc, p.b_dec, p.k, negatives);
      expect_close_codes(encoded, ops::reference::keep_topk(p.pre(), p.k, negatives));
      const Tensor pre = ops::pre_activations(p.x, p.w_enc, p.b_enc, p.b_dec);
      expect_close_codes(encoded, ops::keep_topk(pre, p.k, negatives));
    }
  });
}

TEST(Encode, encode_topk_gradients_equal_the_reference) {
  for_each_case([](const Problem& p) {
    const Tensor x = p.x.clone().requires_grad_(), w_enc = p.w_enc.clone().requires_grad_();
    const Tensor b_enc = p.b_enc.clone().requires_grad_(), b_dec = p.b_dec.clone().requires_grad_();
    const Codes codes = ops::encode_topk(x, w_enc, b_enc, b_dec, p.k);
    const Tensor gradient = random_tensor({codes.nonzeros()}, "gradient");
    codes.value.backward(gradient);
    const auto expected =
        ops::reference::encode_topk_backward(codes.cpu(), gradient, p.x, p.w_enc, p.b_dec);
    EXPECT_LT(worst(x.grad(), expected.x), kRounding);
    EXPECT_LT(worst(w_enc.grad(), expected.w_enc), kRounding);
    EXPECT_LT(worst(b_enc.grad(), expected.b_enc), kRounding);
    EXPECT_LT(worst(b_dec.grad(), expected.b_dec), kRounding);
    EXPECT_EQ(w_enc.grad().strides(), w_enc.strides());
  });
}

TEST(Encode, encode_topk_works_without_b_dec) {
  const Problem p({6, 5, 20, 3});
  const Tensor w_enc = p.w_enc.clone().requires_grad_();
  const Codes codes = ops::encode_topk(p.x, w_enc, p.b_enc, Tensor(), 3);
  const Tensor gradient = random_tensor({18}, "gradient");
  codes.value.backward(gradient);
  const auto expected =
      ops::reference::encode_topk_backward(codes.cpu(), gradient, p.x, p.w_enc, Tensor());
  EXPECT_LT(worst(w_enc.grad(), expected.w_enc), kRounding);
}

TEST(Encode, encode_batch_topk_keeps_what_the_reference_keeps) {
  for_each_case([](const Problem& p) {
    const int64_t all = p.pre().numel();
    for (const int64_t count : {int64_t{0}, int64_t{1}, p.x.size(0) * p.k, all}) {
      if (count > all) continue;
      const Codes expected = ops::reference::keep_batch_topk(p.pre(), count);
      const Tensor x = p.x.clone().requires_grad_(), w_enc = p.w_enc.clone().requires_grad_();
      const Tensor b_enc = p.b_enc.clone().requires_grad_();
      const Tensor b_dec = p.b_dec.clone().requires_grad_();
      const Codes is = ops::encode_batch_topk(x, w_enc, b_enc, b_dec, count);
      expect_close_codes(is, expected);
      expect_same_codes(ops::elsewhere::keep_batch_topk(p.pre(), count), expected);
      if (is.nonzeros() == 0) continue;
      const Tensor gradient = random_tensor({is.nonzeros()}, "gradient");
      is.value.backward(gradient);
      const auto wanted =
          ops::reference::encode_topk_backward(expected, gradient, p.x, p.w_enc, p.b_dec);
      EXPECT_LT(worst(x.grad(), wanted.x), kRounding);
      EXPECT_LT(worst(w_enc.grad(), wanted.w_enc), kRounding);
      EXPECT_LT(worst(b_enc.grad(), wanted.b_enc), kRounding);
      EXPECT_LT(worst(b_dec.grad(), wanted.b_dec), kRounding);
    }
  });
}

TEST(Encode, encode_above_keeps_what_passes_its_latents_threshold) {
  for_each_case([](const Problem& p) {
    for (const double least : {-1.0, 0.0, 3.0}) {  // many pass the first two
      const Tensor threshold = random_tensor({p.w_enc.size(1)}, "thresholds") * 0.1 + least;
      const Tensor pre = p.pre();
      const Codes is = ops::encode_above(p.x, p.w_enc, p.b_enc, p.b_dec, threshold);
      expect_close_codes(is, Codes::of(pre * pre.gt(threshold.clamp_min(0))));
      EXPECT_FALSE(is.value.requires_grad());
    }
  });
}

TEST(Encode, encode_batch_topk_breaks_ties_to_the_first_rows_and_the_lowest_latents) {
  const Tensor x = at::ones({3, 2}), b_enc = at::zeros({4});
  const Tensor w_enc = floats({1, 2, 1, -1, 1, 2, 1, -1}).view({2, 4});  // 2 4 2 -2 in each row
  const Codes codes = ops::encode_batch_topk(x, w_enc, b_enc, Tensor(), 6);
  EXPECT_TRUE(codes.dense().equal(floats({2, 4, 2, 0, 2, 4, 0, 0, 0, 4, 0, 0}).view({3, 4})));
}

}  // namespace
}  // namespace facet
