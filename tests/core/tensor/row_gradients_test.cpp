// Gradients held row by row: the rows, the updates and the parts of weights are those of whole
// gradients, bit for bit.
#include "tensor/row_gradients.h"

#include <gtest/gtest.h>

#include "core/tensor/numbers.h"
#include "facet/error.h"
#include "facet/ops.h"
#include "facet/torch.h"
#include "tensor/row_updates.h"

namespace facet {
namespace {

/// Weights of which a batch of five rows touches few.
struct Weights {
  Tensor x = random_tensor({5, 24}, "x");
  Tensor w_enc = random_tensor({300, 24}, "w_enc").t().requires_grad_();
  Tensor b_enc = random_tensor({300}, "b_enc");
  Tensor w_dec = random_tensor({300, 24}, "w_dec").requires_grad_();

  void learn() const {
    const Codes codes = ops::encode_topk(x, w_enc, b_enc, Tensor(), 7);
    (ops::decode(codes, w_dec, Tensor()) - x).square().sum().backward();
  }
};

struct Held : Weights {
  Held() {
    gradients.hold(w_enc, 1);
    gradients.hold(w_dec, 0);
  }
  const GradientRows& of(const Tensor& w) const { return *gradients.find(w); }
  void learn() {
    const HeldGradients::Scope scope(&gradients);
    Weights::learn();
  }
  HeldGradients gradients;
};

TEST(HeldGradients, hold_the_rows_that_a_whole_gradient_has) {
  const Weights whole;
  whole.learn();
  Held held;
  EXPECT_FALSE(held.of(held.w_enc).given());
  held.learn();
  EXPECT_FALSE(held.w_enc.grad().defined());
  EXPECT_FALSE(held.w_dec.grad().defined());
  EXPECT_TRUE(same_bits(held.of(held.w_enc).dense(), whole.w_enc.grad().t().contiguous()));
  EXPECT_TRUE(same_bits(held.of(held.w_dec).dense(), whole.w_dec.grad()));
  const size_t fired = held.of(held.w_dec).latents().size();
  EXPECT_LE(fired, 35u);
  EXPECT_EQ(held.of(held.w_dec).rows().size(0), static_cast<int64_t>(fired));
}

TEST(HeldGradients, add_up_over_passes_until_they_are_cleared) {
  const Weights whole;
  whole.learn();
  whole.learn();
  Held held;
  held.learn();
  held.learn();
  GradientRows& rows = *held.gradients.find(held.w_dec);
  EXPECT_LT(worst(rows.dense(), whole.w_dec.grad()), 1e-6);
  rows.clear();
  EXPECT_FALSE(rows.given());
  EXPECT_EQ(rows.rows().size(0), 0);
  EXPECT_EQ(rows.dense().abs().max().item<float>(), 0);
  held.learn();
  Held once;
  once.learn();
  EXPECT_TRUE(same_bits(rows.dense(), once.of(once.w_dec).dense()));
}

TEST(HeldGradients, are_only_of_the_weights_and_the_scope_that_hold_them) {
  const Held held;
  held.Weights::learn();
  EXPECT_TRUE(held.w_enc.grad().defined());
  EXPECT_FALSE(held.of(held.w_enc).given());
  EXPECT_TRUE(HeldGradients::can_hold(held.w_enc, 1));
  EXPECT_FALSE(HeldGradients::can_hold(held.w_enc, 0)) << "its memory holds latents, not columns";
  EXPECT_FALSE(HeldGradients::can_hold(held.w_dec * 2, 0)) << "no leaf";
  EXPECT_FALSE(HeldGradients::can_hold(at::zeros({3, 2, 4}), 0));
  HeldGradients other;
  EXPECT_THROW(other.hold(held.w_enc, 0), Bug);
}

TEST(HeldGradients, a_part_of_a_weight_leaves_its_gradient_with_the_whole) {
  const Tensor latents = torch::tensor({4, 299, 17});
  const Weights plain;
  const auto loss = [&](const Weights& w) {
    const Tensor encoder = ops::part_of(w.w_enc, 1, latents),
                 decoder = ops::part_of(w.w_dec, 0, latents);
    EXPECT_TRUE(same_bits(encoder.t().contiguous(), w.w_enc.detach().t().index_select(0, latents)));
    EXPECT_TRUE(same_bits(decoder, w.w_dec.detach().index_select(0, latents)));
    return w.x.matmul(encoder).matmul(decoder).square().sum();
  };
  loss(plain).backward();
  EXPECT_EQ(plain.w_enc.grad().strides(), plain.w_enc.strides());
  Held held;
  {
    const HeldGradients::Scope scope(&held.gradients);
    loss(held).backward();
  }
  EXPECT_EQ(held.of(held.w_enc).latents(), (std::vector<int32_t>{4, 299, 17}));
  EXPECT_TRUE(same_bits(held.of(held.w_enc).dense(), plain.w_enc.grad().t().contiguous()));
  EXPECT_TRUE(same_bits(held.of(held.w_dec).dense(), plain.w_dec.grad()));
}

TEST(HeldGradients, project_and_move_a_weight_as_whole_gradients_do) {
  Weights whole;
  Held held;
  ops::Adam adam;
  adam.weight_decay = 0.1;
  Tensor first[4], second[4];
  for (Tensor* t : {first, second})
    for (int i = 0; i < 4; ++i) t[i] = at::zeros_like(i < 2 ? whole.w_enc : whole.w_dec).detach();
  for (int64_t step = 1; step <= 4; ++step) {
    whole.x = held.x = random_tensor({5, 24}, "x" + std::to_string(step));
    whole.learn();
    held.learn();
    ops::project_gradient(whole.w_dec, 1e-6);
    {
      const HeldGradients::Scope scope(&held.gradients);
      ops::project_gradient(held.w_dec, 1e-6);
    }
    ops::adam_step(whole.w_enc, whole.w_enc.grad(), first[0], second[0], step, adam);
    ops::adam_step(held.w_enc, 1, held.of(held.w_enc), first[1], second[1], step, adam);
    ops::adam_step(whole.w_dec, whole.w_dec.grad(), first[2], second[2], step, adam);
    ops::adam_step(held.w_dec, 0, held.of(held.w_dec), first[3], second[3], step, adam);
    for (Tensor* w : {&whole.w_enc, &whole.w_dec}) w->mutable_grad() = Tensor();
    for (const Tensor& w : {held.w_enc, held.w_dec}) held.gradients.find(w)->clear();
  }
  EXPECT_TRUE(same_bits(held.w_enc, whole.w_enc));
  EXPECT_TRUE(same_bits(held.w_dec, whole.w_dec));
  for (const int i : {0, 2}) {
    EXPECT_TRUE(same_bits(first[i], first[i + 1]));
    EXPECT_TRUE(same_bits(second[i], second[i + 1]));
  }
}

}  // namespace
}  // namespace facet
