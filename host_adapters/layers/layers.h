// The layers that transformer hosts share, over packed sequences [t, d]: no padding is ever
// computed.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>

#include "packed.h"

namespace facet::layers {

struct Norm {
  Tensor weight, bias;  ///< [d]
};
struct Linear {
  Tensor weight, bias;  ///< [out, in], [out]
};

/// Layer norm of each row.
Tensor layer_norm(const Tensor& x, const Norm& norm, double eps);
/// x / sqrt(mean of x^2 + eps) * weight of each row; the length of a row is computed in float32
/// whatever its dtype, and rounded to it before the weight is applied.
/// source: Zhang and Sennrich 2019, arXiv:1910.07467, eq. 4, as transformers' LlamaRMSNorm rounds.
Tensor rms_norm(const Tensor& x, const Tensor& weight, double eps);
/// x W^T + b; without b when it is undefined.
Tensor linear(const Tensor& x, const Linear& layer);
/// x Phi(x), with erf and not its tanh approximation.
Tensor gelu(const Tensor& x);

/// silu(gate) up of rows [t, 2 m] that hold gate and then up; [t, m].
/// source: Shazeer 2020, arXiv:2002.05202, eq. 6 (SwiGLU).
Tensor gated_silu(const Tensor& gate_up);

/// The rotary embedding of a forward pass: cosines and sines of position * inv_freq.
/// source: Su et al. 2021, arXiv:2104.09864, in the half-split form of GPT-NeoX.
struct Rotary {
  Tensor cos, sin;  ///< [t, 1, head_dim / 2] float32

  /// inv_freq [head_dim / 2] float32.
  Rotary(const Tensor& inv_freq, const Packed& packed);
  /// x [t of the stretch, heads, head_dim]: the first half of a head is rotated against its second
  /// half, in float32; x's dtype.
  Tensor rotated(const Tensor& x, const Stretch& stretch) const;
};
/// base^(-2j / head_dim), j = 0 .. head_dim / 2 - 1, computed in float32.
Tensor inverse_frequencies(int64_t head_dim, double base);

/// Is shown softmax(q k^T) of one sequence, [heads, n, n] float32. Called for different sequences
/// on different threads.
using Watch = std::function<void(int64_t sequence, const Tensor& map)>;

/// softmax(q k^T) v in each sequence and head of a stretch; q, k, v [t of the stretch, heads,
/// head_dim], q already scaled. [t of the stretch, heads * head_dim]. Each sequence is computed by
/// itself, so its rows do not depend on the others. The maps themselves are made only for a watch:
/// that is slower, takes heads * n * n floats, and gives the same rows but for rounding.
Tensor attention(const Tensor& q, const Tensor& k, const Tensor& v, const Packed& packed,
                 const Stretch& stretch, const Watch& watch = {});

}  // namespace facet::layers
