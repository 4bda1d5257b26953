// What stands between the products of a block, in one pass over rows of float32.
#pragma once

#include <ATen/core/Tensor.h>

namespace facet::layers {

/// Whether this processor and these rows [n, d] are what the functions here are written for: AVX2
/// with FMA or AVX-512; float32 on the CPU, without gradients.
bool in_one_pass(const at::Tensor& x);

/// rms_norm() of such rows; sums in float32 of float32 squares.
at::Tensor own_rms_norm(const at::Tensor& x, const at::Tensor& weight, double eps);
/// gated_silu() of such rows; a number is off by less than 5e-7 (1 + |gate| / 4) of itself.
at::Tensor own_gated_silu(const at::Tensor& gate_up);

}  // namespace facet::layers
