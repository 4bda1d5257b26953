// Running figures of how well an SAE gives rows back, over any number of blocks.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

/// Sums over rows, in float64. Rows are seen in blocks; the figures are those of all rows together.
class Reconstruction {
 public:
  /// x, x_hat [n, d] in the host's units; active [n, d_sae] bool: which latents fired.
  void add(const at::Tensor& x, const at::Tensor& x_hat, const at::Tensor& active);

  int64_t rows() const { return rows_; }
  double l0() const;
  /// Rows of norm zero are left out.
  double nmse() const;
  /// Rows where x or x_hat has norm zero are left out.
  double cosine() const;
  double mse() const;
  double fvu() const;
  double explained_variance() const;
  int64_t latents() const { return fired_.defined() ? fired_.size(0) : 0; }
  int64_t live() const;

 private:
  int64_t rows_ = 0;
  at::Tensor sums_;    // [6] float64 on the rows' device; see reconstruction.cpp
  at::Tensor mean_;    // [d] float64, of x
  at::Tensor spread_;  // [] float64, sum over rows of |x - mean|^2
  at::Tensor fired_;   // [d_sae] int64
};
