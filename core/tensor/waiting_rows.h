// WaitingRows: idle rows of a weight fall behind, and catch up when they are read.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "tensor/rounded_rows.h"
#include "tensor/row_gradients.h"
#include "tensor/vectors.h"

namespace facet {

/// What every row of a weight goes through, whether its latent fired or not, is written down: steps
/// of Adam with a gradient of zeros, and norms set to 1. A row does it when it is next read, with
/// the bits it would have by now, and reads memory once for many steps. No row waits for longer
/// than the list is.
class WaitingRows {
 public:
  /// `weight` and Adam's two moments, all laid out alike: latents on `axis`, one after another.
  WaitingRows(const at::Tensor& weight, int64_t axis, const at::Tensor& first,
              const at::Tensor& second);

  /// A step of Adam. Rows of the gradient take it now, the others when they are brought.
  void step(const GradientRows& gradient, const vectors::AdamFactors& factors);
  /// Each row is divided by its norm + eps when it is brought.
  void normalise(float eps);

  /// The rows of these latents, each named any number of times, as if they had not waited.
  void bring(const int32_t* latents, int64_t count);
  void bring(const int64_t* latents, int64_t count);
  void bring_all();

  /// bring_all(), before somebody reads the weight who does not know of this, or writes to it.
  void hand_over();

  /// What a screen needs to know of the rows, which stay behind if that says enough: with the rows
  /// as they were, the norm of each and how far it may be from its rounded copy by now.
  struct Screened {
    const RoundedRows* rows;
    std::vector<float> norm, residue;  // [m], upper bounds
  };
  /// Stays up to date when rows are brought; until the next step() or normalise().
  const Screened& screened(Numbers numbers);
  /// False where the last step moved all rows.
  bool some_wait() const { return some_wait_; }

 private:
  struct Entry {  // of the list
    bool is_step;
    vectors::AdamFactors factors;
    float eps;
  };
  // How far steps may have moved a row: so many times the pace of its last one, and this share of
  // its norm.
  struct Drift {
    double by_pace = 0, by_norm = 0;
  };

  template <class Latent>
  void bring_some(const Latent* latents, int64_t count);
  void go_on(int64_t latent, int32_t from);
  void step(int64_t latent, const float* gradient, const vectors::AdamFactors& factors);
  void show(int64_t latent);
  void write_down(const Entry& entry);
  void cross_out();
  int32_t end() const { return static_cast<int32_t>(list_.size()); }
  // For rows that have gone through all before entry p, at [p].
  std::vector<Drift> drifts() const;

  at::Tensor weight_;
  int64_t d_;
  float *rows_, *first_, *second_;
  bool some_wait_ = true;
  std::vector<Entry> list_;
  float correct_ = 1;        // of the last step before the list
  std::vector<int32_t> at_;  // [m]: the first entry a row has not gone through
  std::vector<float> pace_;  // [m]: how far the last step moved a row, as a share of its rate
  std::unique_ptr<RoundedRows> rounded_;
  uint32_t version_ = 0;  // of the weight, when rounded_ was made
  Screened screened_;
};

}  // namespace facet
