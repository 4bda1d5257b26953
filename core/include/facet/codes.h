// Codes: what an SAE says of each row, as CSR because L0 varies between rows.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace facet {

using at::Tensor;

/// The active latents of n rows. Entries of one row are ascending by latent and unique.
struct Codes {
  Tensor start;  ///< [n + 1] int64, CPU or the values' device; row i is entries start[i] .. start[i
                 ///< + 1] - 1
  Tensor latent;      ///< [nnz] int32
  Tensor value;       ///< [nnz] float32, in the autograd graph while training
  int64_t d_sae = 0;  ///< number of latents

  /// The nonzero entries of dense [n, d_sae]; the gradient of `value` reaches `dense`.
  static Codes of(const Tensor& dense);
  /// The rows of all parts, one after another; the parts share d_sae. At least one part.
  static Codes joined(const std::vector<Codes>& parts);

  int64_t rows() const;
  int64_t nonzeros() const;
  /// [n, d_sae] float32, zero where nothing fires; differentiable with respect to `value`.
  Tensor dense() const;
  /// [nnz] int64: the row of each entry.
  Tensor row() const;
  /// Rows begin .. end - 1; shares memory, starts again at 0.
  Codes slice(int64_t begin, int64_t end) const;
  /// Copies on the CPU, detached.
  Codes cpu() const;
};

}  // namespace facet
