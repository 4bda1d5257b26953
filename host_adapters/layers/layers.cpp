// Layers over packed sequences.
#include "layers.h"

#include <facet/torch.h>

namespace facet::layers {

Tensor layer_norm(const Tensor& x, const Norm& norm, double eps) {
  return at::layer_norm(x, {x.size(-1)}, norm.weight, norm.bias, eps);
}

Tensor linear(const Tensor& x, const Linear& layer) {
  return at::linear(x, layer.weight, layer.bias);
}

Tensor gelu(const Tensor& x) { return at::gelu(x); }

Tensor inverse_frequencies(int64_t head_dim, double base) {
  const Tensor exponent =
      torch::arange(0, head_dim, 2, torch::kFloat32) / static_cast<double>(head_dim);
  return 1.0 / torch::pow(torch::scalar_tensor(base, torch::kFloat32), exponent);
}

Rotary::Rotary(const Tensor& inv_freq, const Packed& packed) {
  const Tensor angle =
      torch::outer(torch::arange(packed.longest(), torch::kFloat32), inv_freq.cpu());
  const Tensor position = packed.position();
  cos = angle.cos().index_select(0, position).unsqueeze(1).to(inv_freq.device());
  sin = angle.sin().index_select(0, position).unsqueeze(1).to(inv_freq.device());
}

Tensor Rotary::rotated(const Tensor& x, const Stretch& stretch) const {
  const int64_t half = x.size(-1) / 2;
  const Tensor a = x.narrow(-1, 0, half), b = x.narrow(-1, half, half);
  const Tensor c = cos.slice(0, stretch.begin, stretch.end),
               s = sin.slice(0, stretch.begin, stretch.end);
  return torch::cat({a * c - b * s, b * c + a * s}, -1);
}

Tensor attention(const Tensor& q, const Tensor& k, const Tensor& v, const Packed& packed,
                 const Stretch& stretch) {
  std::vector<Tensor> parts;
  for (int64_t i = stretch.first; i < stretch.last; ++i) {
    const int64_t begin = packed.begin(i) - stretch.begin, end = packed.end(i) - stretch.begin;
    if (begin == end) continue;
    const auto of_sequence = [&](const Tensor& x) {
      return x.slice(0, begin, end).transpose(0, 1).unsqueeze(0);  // [1, heads, n, head_dim]
    };
    parts.push_back(at::scaled_dot_product_attention(of_sequence(q), of_sequence(k), of_sequence(v),
                                                     /*attn_mask=*/{}, /*dropout_p=*/0.0,
                                                     /*is_causal=*/false, /*scale=*/1.0)
                        .squeeze(0)
                        .transpose(0, 1)
                        .reshape({end - begin, -1}));
  }
  if (parts.size() == 1) return parts[0];
  return parts.empty() ? v.reshape({0, v.size(1) * v.size(2)}) : torch::cat(parts);
}

}  // namespace facet::layers
