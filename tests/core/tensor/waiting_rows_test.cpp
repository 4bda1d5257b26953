// Rows that wait: read late, they have the bits of rows that never waited.
#include "tensor/waiting_rows.h"

#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include "core/tensor/numbers.h"
#include "facet/error.h"
#include "facet/ops.h"
#include "facet/torch.h"
#include "tensor/row_updates.h"

namespace facet {
namespace {

constexpr int64_t kLatents = 400, kWide = 24;

/// A TopK dictionary, its moments and steps of Adam; rows of its weights wait if they are told to.
class Dawdler {
 public:
  explicit Dawdler(bool waits, const ops::Adam& adam = {}) : adam_(adam) {
    gradients_.hold(w_enc, 1, waits ? waiting(w_enc, 1, moments_[0], moments_[1]) : nullptr);
    gradients_.hold(w_dec, 0, waits ? waiting(w_dec, 0, moments_[2], moments_[3]) : nullptr);
  }

  /// A step on `rows` rows, of which each keeps k latents: what it chose.
  Codes learn(int64_t rows, int64_t k, double lr) {
    const HeldGradients::Scope scope(&gradients_);
    ++step_;
    adam_.lr = lr;
    const Tensor x = random_tensor({rows, kWide}, "x" + std::to_string(step_));
    const Codes codes = ops::encode_topk(x, w_enc, b_enc, Tensor(), k);
    Tensor loss = (ops::decode(codes, w_dec, Tensor()) - x).square().sum();
    if (step_ % 7 == 0) {  // other latents too, as for AuxK
      const Tensor latents = at::arange(step_, kLatents, 50);
      loss = loss + (ops::part_of(w_enc, 1, latents).t() * ops::part_of(w_dec, 0, latents)).sum();
    }
    loss.backward();
    const at::NoGradGuard no_grad;
    if (step_ % 5 == 0) ops::normalise_rows(w_dec, 1e-7);  // between gradient and step
    ops::project_gradient(w_dec, 1e-6);
    ops::adam_step(w_enc, 1, *gradients_.find(w_enc), moments_[0], moments_[1], step_, adam_);
    ops::adam_step(w_dec, 0, *gradients_.find(w_dec), moments_[2], moments_[3], step_, adam_);
    ops::normalise_rows(w_dec, 1e-7);
    for (const Tensor& w : {w_enc, w_dec}) gradients_.find(w)->clear();
    return codes;
  }
  void hand_over() {
    for (const Tensor& w : {w_enc, w_dec})
      if (WaitingRows* waiting = gradients_.find_waiting(w)) waiting->hand_over();
  }
  /// Weights and moments.
  std::vector<Tensor> all() const {
    std::vector<Tensor> out = {w_enc.detach(), w_dec.detach()};
    out.insert(out.end(), moments_, moments_ + 4);
    return out;
  }

  Tensor w_enc = random_tensor({kLatents, kWide}, "w_enc").t().requires_grad_();
  Tensor w_dec = random_tensor({kLatents, kWide}, "w_dec").requires_grad_();
  Tensor b_enc = random_tensor({kLatents}, "b_enc");

 private:
  static std::unique_ptr<WaitingRows> waiting(const Tensor& w, int64_t axis, const Tensor& first,
                                              const Tensor& second) {
    return std::make_unique<WaitingRows>(w, axis, first, second);
  }

  ops::Adam adam_;
  int64_t step_ = 0;
  Tensor moments_[4] = {at::zeros({kLatents, kWide}).t(), at::zeros({kLatents, kWide}).t(),
                        at::zeros({kLatents, kWide}), at::zeros({kLatents, kWide})};
  HeldGradients gradients_;
};

void expect_same(const Dawdler& waits, const Dawdler& goes) {
  const std::vector<Tensor> one = waits.all(), other = goes.all();
  for (size_t i = 0; i < one.size(); ++i) EXPECT_TRUE(same_bits(one[i], other[i])) << i;
}

void expect_same(const Codes& is, const Codes& expected) {
  EXPECT_TRUE(is.latent.equal(expected.latent));
  EXPECT_TRUE(same_bits(is.value.detach(), expected.value.detach()));
}

TEST(WaitingRows, are_what_they_would_be_after_any_number_of_steps) {
  ops::Adam decays;
  decays.weight_decay = 0.02;
  for (const ops::Adam& adam : {ops::Adam(), decays}) {
    for (const double lr : {1e-4, 1e-2, 0.5}) {
      Dawdler waits(true, adam), goes(false, adam);
      for (int step = 1; step <= 150; ++step) {
        SCOPED_TRACE(std::to_string(lr) + " at step " + std::to_string(step));
        const double now = lr * (1 + step % 3);  // as a schedule has it
        expect_same(waits.learn(3, 4, now), goes.learn(3, 4, now));
        if (step % 40 == 0) waits.hand_over();
      }
      waits.hand_over();
      expect_same(waits, goes);
    }
  }
}

TEST(WaitingRows, wait_until_they_are_read) {
  Dawdler waits(true), goes(false);
  for (int step = 1; step <= 10; ++step) {
    waits.learn(3, 4, 1e-4);
    goes.learn(3, 4, 1e-4);
  }
  const auto behind = [&](const Tensor& is, const Tensor& should) {
    return is.ne(should).any(1).sum().item<int64_t>();
  };
  EXPECT_GT(behind(waits.w_enc.detach().t(), goes.w_enc.detach().t()), 0);
  EXPECT_GT(behind(waits.w_dec.detach(), goes.w_dec.detach()), kLatents / 2);
  waits.hand_over();
  expect_same(waits, goes);
}

TEST(WaitingRows, do_not_where_most_take_steps) {
  Dawdler waits(true), goes(false);
  for (int step = 1; step <= 6; ++step) {
    const bool many = step % 2 == 0;
    const int64_t rows = many ? 40 : 2;
    expect_same(waits.learn(rows, 8, 1e-3), goes.learn(rows, 8, 1e-3));
    if (!many) continue;
    EXPECT_TRUE(same_bits(waits.w_enc.detach(), goes.w_enc.detach()));
  }
  waits.hand_over();
  expect_same(waits, goes);
}

TEST(WaitingRows, have_the_same_bits_at_any_number_of_threads) {
  const int before = at::get_num_threads();
  Dawdler one(true), three(true);
  for (int step = 1; step <= 80; ++step) {
    at::set_num_threads(1);
    one.learn(3, 4, 1e-3);
    at::set_num_threads(3);
    three.learn(3, 4, 1e-3);
  }
  one.hand_over();
  three.hand_over();
  at::set_num_threads(before);
  expect_same(three, one);
}

TEST(WaitingRows, know_when_others_write_to_the_weight) {
  Dawdler waits(true);
  waits.learn(3, 4, 1e-3);
  {
    const at::NoGradGuard no_grad;
    waits.w_enc.mul_(2);
  }
  EXPECT_THROW(waits.learn(3, 4, 1e-3), Bug);
  waits.hand_over();
  EXPECT_NO_THROW(waits.learn(3, 4, 1e-3));
}

TEST(WaitingRows, must_be_laid_out_as_their_moments) {
  const Tensor w = at::zeros({4, 3});
  EXPECT_THROW(WaitingRows(w, 0, at::zeros({3, 4}).t(), at::zeros({4, 3})), Bug);
  EXPECT_THROW(WaitingRows(w, 0, at::zeros({4, 3}), at::zeros({4, 2})), Bug);
}

}  // namespace
}  // namespace facet
