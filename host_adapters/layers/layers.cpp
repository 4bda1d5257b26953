// Layers over packed sequences.
#include "layers.h"

#include <facet/torch.h>

#include <cmath>

namespace facet::layers {

Tensor layer_norm(const Tensor& x, const Norm& norm, double eps) {
  return at::layer_norm(x, {x.size(-1)}, norm.weight, norm.bias, eps);
}

Tensor linear(const Tensor& x, const Linear& layer) { return at::linear(x, layer.weight, layer.bias); }

Tensor gelu(const Tensor& x) { return at::gelu(x); }

Tensor inverse_frequencies(int64_t head_dim, double base) {
  const Tensor exponent = torch::arange(0, head_dim, 2, torch::kFloat32) / static_cast<double>(head_dim);
  return 1.0 / torch::pow(torch::scalar_tensor(base, torch::kFloat32), exponent);
}

Rotary::Rotary(const Tensor& inv_freq, const Packed& packed) {
  const Tensor angle = torch::outer(torch::arange(packed.longest(), torch::kFloat32), inv_freq.cpu());
  const Tensor position = packed.position();
  cos = angle.cos().index_select(0, position).unsqueeze(1).to(inv_freq.device());
  sin = angle.sin().index_select(0, position).unsqueeze(1).to(inv_freq.device());
}

Tensor Rotary::rotated(const Tensor& x) const {
  const int64_t half = x.size(-1) / 2;
  const Tensor a = x.narrow(-1, 0, half), b = x.narrow(-1, half, half);
  return torch::cat({a * cos - b * sin, b * cos + a * sin}, -1);
}

Tensor attention(const Tensor& q, const Tensor& k, const Tensor& v, const Packed& packed) {
  std::vector<Tensor> parts;
  const auto of = [](const Tensor& x, int64_t begin, int64_t end) {
    return x.slice(0, begin, end).transpose(0, 1).unsqueeze(0);  // [1, heads, n, head_dim]
  };
  for (int64_t i = 0; i < packed.sequences(); ++i) {
    const int64_t begin = packed.begin(i), end = packed.end(i);
    if (begin == end) continue;
    parts.push_back(at::scaled_dot_product_attention(of(q, begin, end), of(k, begin, end), of(v, begin, end),
                                                     /*attn_mask=*/{}, /*dropout_p=*/0.0,
                                                     /*is_causal=*/false, /*scale=*/1.0)
                        .squeeze(0)
                        .transpose(0, 1)
                        .reshape({end - begin, -1}));
  }
  return parts.empty() ? v.reshape({0, v.size(1) * v.size(2)}) : torch::cat(parts);
}

Tensor run_block(const Block& block, const Tensor& x_in, int64_t heads, double eps, const Rotary& rotary,
                 const Packed& packed, Walk& walk) {
  Tensor x = walk.visit(x_in);
  if (walk.finished()) return {};
  const int64_t head_dim = x.size(1) / heads;
  const auto by_head = [&](const Tensor& y) { return y.view({-1, heads, head_dim}); };
  const Tensor h = layer_norm(x, block.attention_norm, eps);
  const Tensor q = linear(h, block.query) * std::pow(static_cast<double>(head_dim), -0.5);
  const Tensor attended = attention(rotary.rotated(by_head(q)), rotary.rotated(by_head(linear(h, block.key))),
                                    by_head(linear(h, block.value)), packed);
  x = x + walk.visit(linear(attended, block.output));
  if (walk.finished()) return {};
  const Tensor inner = layers::gelu(linear(layer_norm(x, block.mlp_norm, eps), block.up));
  x = x + walk.visit(linear(inner, block.down));
  if (walk.finished()) return {};
  return walk.visit(x);
}

std::vector<HookPoint> block_points(int64_t blocks, int64_t d) {
  std::vector<HookPoint> points = {{"embeddings", "layers.0", d, -1}};
  for (int64_t i = 0; i < blocks; ++i) {
    const std::string block = "blocks." + std::to_string(i);
    const std::string layer = i + 1 < blocks ? "layers." + std::to_string(i + 1) : "";
    points.push_back({block + ".in", "", d, i});
    points.push_back({block + ".attn.out", "", d, i});
    points.push_back({block + ".mlp.out", "", d, i});
    points.push_back({block + ".out", layer, d, i});
  }
  points.push_back({"final_norm.out", "layers." + std::to_string(blocks), d, -1});
  return points;
}

}  // namespace facet::layers
