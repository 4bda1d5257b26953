// RoundedRows: rows of numbers as a screening product wants them, and what rounding took.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace facet {

/// The numbers that a screening product multiplies.
enum class Numbers { int8 = 1, bf16, fp32 };
/// bf16 where this machine has instructions for products of them (AMX, AVX-512), else fp32.
Numbers fine_numbers();
/// What it multiplies fastest: int8 where it has instructions for them (AMX, VNNI) and LibTorch's
/// products of them are exact; else fine_numbers().
Numbers fastest_numbers();
/// The fastest whose rounding takes little from rows x [n, d] and w [m, d] beside how far apart
/// products of rows lie, so that a screen can tell these apart. Looks at some of the rows.
Numbers numbers_for(const at::Tensor& x, const at::Tensor& w);

struct RoundedRows {
  /// Of w [m, d] float32, contiguous, whose memory is shared; rounds every row.
  RoundedRows(const at::Tensor& w, Numbers numbers);
  /// Again, after this row of w has changed.
  void round(int64_t row);

  Numbers numbers;
  at::Tensor exact;                  ///< w
  at::Tensor rounded;                ///< [m, d] int8 or bf16; undefined for fp32
  std::vector<float> norm, residue;  ///< [m]: bounds of the norm of a row of w, and of the norm of
                                     ///< what rounding took from it
  std::vector<float> scale;          ///< [m]: what a rounded 1 stands for

  /// What a product multiplies.
  const at::Tensor& factor() const { return rounded.defined() ? rounded : exact; }
};

}  // namespace facet
