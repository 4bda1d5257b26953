// Screen: the k largest pre-activations of each row, without working all of them out exactly.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "tensor/waiting_rows.h"

namespace facet {

/// A product of rounded numbers is fast and has a known bound: what it says of a pre-activation is
/// at most so far from the exact value. Latents that this cannot rule out are worked out again in
/// float32, so that what is chosen, and its values, are those of float32.
///
/// With x = x' + p and w = w' + q, x' and w' rounded, the product x'.w' is off by at most
/// |p| |w| + |x'| |q|, and by what sums of d float32 numbers round, at most d 2^-23 |x'| |w'|
/// (Higham 2002, Accuracy and Stability of Numerical Algorithms, section 3.1; sums of int8 products
/// are exact); numbers too small for the product's arithmetic are taken as lost.
class Screen {
 public:
  /// w [m, d], the weights of one latent after another, and b_enc [m]; both float32.
  Screen(const at::Tensor& w, const at::Tensor& b_enc, Numbers numbers);
  /// The same of a weight whose rows wait: what is worked out exactly is brought. Both must not
  /// change while it is used.
  Screen(WaitingRows& w, const at::Tensor& b_enc, Numbers numbers);

  /// For each row of x [n, d]: the k latents with the largest x.w + b_enc in ascending order, ties
  /// to the lowest, NaN the largest of all, and these numbers. Both [n, k]; the same at any number
  /// of threads and whatever rows stand beside.
  void choose(const at::Tensor& x, int64_t k, int32_t* latent, float* value) const;

  /// Entries of rows, one row after another: those of row i are start[i] up to start[i + 1].
  struct Entries {
    std::vector<int64_t> start;
    std::vector<int32_t> latent;
    std::vector<float> value;
  };
  /// The `count` largest of all pre-activations of x [n, d] that are above 0, or fewer where fewer
  /// are; ties to the first row, then the lowest latent, NaN the largest of all. Nothing where
  /// bounds tell too little.
  std::optional<Entries> choose_of_batch(const at::Tensor& x, int64_t count) const;

  /// The pre-activations of x [n, d] that are above the latent's threshold [m] and above 0, and
  /// those that are NaN. Nothing where more than an eighth of the first ones may be.
  std::optional<Entries> choose_above(const at::Tensor& x, const at::Tensor& threshold) const;

  /// Rows whose largest this thread's screens have chosen so far, and those among them for which
  /// every latent was worked out in float32, because the bounds did not tell them apart.
  struct Counts {
    int64_t rows = 0, dense = 0;
  };
  static Counts& counts();

 private:
  struct Rows;  // what is known of some rows while the latents go by

  Rows rows_of(const at::Tensor& x, int64_t k, int64_t most) const;
  // Past all latents, block by block, while `goes_on`, told how many have gone by, says so after
  // each. Gives the last answer.
  bool screen(Rows& rows, const std::function<bool(int64_t)>& goes_on) const;
  // Of all rows and the latents from `begin` on, in `room`: [rows, latents].
  at::Tensor product(const Rows& rows, int64_t begin, const at::Tensor& room) const;
  template <class Number>
  void sift(const at::Tensor& product, int64_t begin, Rows& rows) const;
  // Of row i, every one.
  void work_all_out(const Rows& rows, int64_t i, std::vector<float>& exact) const;
  // The exact values of the candidates of every row, side by side.
  std::vector<float> worked_out(const Rows& rows, const std::vector<int64_t>& start,
                                const std::vector<int32_t>& latents) const;
  void settle(const Rows& rows, int64_t k, int32_t* latent, float* value) const;

  at::Tensor b_enc_;
  WaitingRows* waiting_ = nullptr;
  std::unique_ptr<RoundedRows> own_;  // where none wait
  const RoundedRows* rows_;
  const std::vector<float>*norm_, *residue_;  // [m], bounds as RoundedRows has them
};

}  // namespace facet
