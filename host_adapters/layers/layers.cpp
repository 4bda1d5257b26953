// Layers over packed sequences.
#include "layers.h"

#include <facet/torch.h>

#include "own_rows.h"

namespace facet::layers {

Tensor layer_norm(const Tensor& x, const Norm& norm, double eps) {
  return at::layer_norm(x, {x.size(-1)}, norm.weight, norm.bias, eps);
}

Tensor rms_norm(const Tensor& x, const Tensor& weight, double eps) {
  if (in_one_pass(x) && weight.scalar_type() == at::kFloat) return own_rms_norm(x, weight, eps);
  const Tensor wide = x.to(torch::kFloat32);
  const Tensor scale = (wide.square().mean(-1, /*keepdim=*/true) + eps).rsqrt();  // [t, 1]
  return (wide * scale).to(x.scalar_type()) * weight;
}

Tensor linear(const Tensor& x, const Linear& layer) {
  return at::linear(x, layer.weight, layer.bias);
}

Tensor gelu(const Tensor& x) { return at::gelu(x); }

Tensor gated_silu(const Tensor& gate_up) {
  if (in_one_pass(gate_up)) return own_gated_silu(gate_up);
  const int64_t m = gate_up.size(-1) / 2;
  return at::silu(gate_up.narrow(-1, 0, m)) * gate_up.narrow(-1, m, m);
}

Tensor inverse_frequencies(int64_t head_dim, double base) {
  const Tensor exponent =
      torch::arange(0, head_dim, 2, torch::kFloat32) / static_cast<double>(head_dim);
  return 1.0 / torch::pow(torch::scalar_tensor(base, torch::kFloat32), exponent);
}

Rotary::Rotary(const Tensor& inv_freq, const Packed& packed) {
  const Tensor& position = packed.position();
  const auto angles = [&](const Tensor& of) {
    return torch::outer(of.to(torch::kFloat32), inv_freq.cpu());  // [positions, head_dim / 2]
  };
  const auto placed = [&](const Tensor& table) { return table.unsqueeze(1).to(inv_freq.device()); };
  if (packed.tokens() < packed.positions()) {
    const Tensor angle = angles(position);
    cos = placed(angle.cos());
    sin = placed(angle.sin());
  } else {  // sequences share positions
    const Tensor angle = angles(torch::arange(packed.positions()));
    cos = placed(angle.cos().index_select(0, position));
    sin = placed(angle.sin().index_select(0, position));
  }
}

Tensor Rotary::rotated(const Tensor& x, const Stretch& stretch) const {
  const int64_t half = x.size(-1) / 2;
  const Tensor a = x.narrow(-1, 0, half), b = x.narrow(-1, half, half);
  const Tensor c = cos.slice(0, stretch.begin, stretch.end),
               s = sin.slice(0, stretch.begin, stretch.end);
  return torch::cat({a * c - b * s, b * c + a * s}, -1).to(x.scalar_type());
}

namespace {

/// q, k, v [heads, n, head_dim] of one sequence to [heads, n, head_dim].
Tensor mixed(const Tensor& q, const Tensor& k, const Tensor& v) {
  return at::scaled_dot_product_attention(q.unsqueeze(0), k.unsqueeze(0), v.unsqueeze(0),
                                          /*attn_mask=*/{}, /*dropout_p=*/0.0,
                                          /*is_causal=*/false, /*scale=*/1.0)
      .squeeze(0);
}

Tensor mixed_by_maps(const Tensor& q, const Tensor& k, const Tensor& v, int64_t sequence,
                     const Watch& watch) {
  const Tensor scores = torch::matmul(q.to(torch::kFloat32), k.to(torch::kFloat32).transpose(1, 2));
  const Tensor map = scores.softmax(-1);  // [heads, n, n]
  watch(sequence, map);
  return torch::matmul(map.to(v.scalar_type()), v);
}

}  // namespace

Tensor attention(const Tensor& q, const Tensor& k, const Tensor& v, const Packed& packed,
                 const Stretch& stretch, const Watch& watch) {
  std::vector<Tensor> parts;
  for (int64_t i = stretch.first; i < stretch.last; ++i) {
    const int64_t begin = packed.begin(i) - stretch.begin, end = packed.end(i) - stretch.begin;
    if (begin == end && !watch) continue;
    const auto of_sequence = [&](const Tensor& x) {
      return x.slice(0, begin, end).transpose(0, 1);  // [heads, n, head_dim]
    };
    const Tensor qi = of_sequence(q), ki = of_sequence(k), vi = of_sequence(v);
    const Tensor out = watch ? mixed_by_maps(qi, ki, vi, i, watch) : mixed(qi, ki, vi);
    parts.push_back(out.transpose(0, 1).reshape({end - begin, q.size(1) * q.size(2)}));
  }
  if (parts.size() == 1) return parts[0];
  return parts.empty() ? v.reshape({0, v.size(1) * v.size(2)}) : torch::cat(parts);
}

}  // namespace facet::layers
