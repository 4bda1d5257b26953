// RoundedRows: the rows of a weight as a screening product wants them, and what rounding took.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace facet {

/// The numbers that a screening product multiplies.
enum class Numbers { bf16 = 1, fp32 };
/// What this machine multiplies fastest: bf16 where it has AMX or AVX-512 for them.
Numbers fastest_numbers();

struct RoundedRows {
  /// Of w [m, d] float32, contiguous, whose memory is shared; rounds every row.
  RoundedRows(const at::Tensor& w, Numbers numbers);
  /// Again, after this row of w has changed.
  void round(int64_t latent);

  at::Tensor exact;                  ///< w
  at::Tensor rounded;                ///< [m, d] bf16; undefined for fp32
  std::vector<float> norm, residue;  ///< [m]: bounds of the norm of a row of w, and of the norm of
                                     ///< what rounding took from it

  /// What a product multiplies.
  const at::Tensor& factor() const { return rounded.defined() ? rounded : exact; }
};

}  // namespace facet
