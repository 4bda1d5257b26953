// A block by packed weights and attention by heads.
#include "fast_block.h"

#include <facet/torch.h>

#include <cmath>

#include "attended_by_heads.h"

namespace facet::layers {

namespace {

/// Attends with LibTorch's attention; qkv [t, 3 d], queries not yet scaled.
Tensor mixed_by_library(const Tensor& qkv, int64_t heads, const Rotary& rotary,
                        const Packed& packed, const Stretch& stretch) {
  const int64_t head_dim = qkv.size(1) / 3 / heads;
  const auto part = [&](int64_t i) {
    return qkv.view({-1, 3, heads, head_dim}).select(1, i);  // [t, heads, head_dim]
  };
  const Tensor q = part(0) * std::pow(static_cast<double>(head_dim), -0.5);
  return attention(rotary.rotated(q, stretch), rotary.rotated(part(1), stretch), part(2), packed,
                   stretch);
}

}  // namespace

void add_fast_blocks(std::vector<Block>& blocks) {
  for (Block& block : blocks) {
    FastBlock fast{{}, FastLinear(block.output), FastLinear(block.up), FastLinear(block.down)};
    fast.output.pack();
    if (!fast.output.packed()) return;
    const auto joined = [&](Tensor Linear::*of) {
      return torch::cat({block.query.*of, block.key.*of, block.value.*of});
    };
    fast.query_key_value = FastLinear({joined(&Linear::weight), joined(&Linear::bias)});
    for (FastLinear* layer : {&fast.query_key_value, &fast.up, &fast.down}) layer->pack();
    block.fast = std::make_shared<const FastBlock>(std::move(fast));
  }
}

bool runs_fast(const Block& block, const Watch& watch) {
  return block.fast && !watch && !at::GradMode::is_enabled();
}

Tensor fast_attention(const Tensor& h, const FastBlock& block, int64_t heads, const Rotary& rotary,
                      const Packed& packed, const Stretch& stretch) {
  const Tensor qkv = by_rows(h, block.query_key_value);
  const Tensor mixed =
      attends_by_heads(qkv)
          ? attended_by_heads(qkv, {heads, heads}, Sees::all, rotary, packed, stretch)
          : mixed_by_library(qkv, heads, rotary, packed, stretch);
  return by_rows(mixed, block.output);
}

Tensor fast_mlp(const Tensor& x, const FastBlock& block, const Norm& norm, double eps) {
  return by_rows(x, [&](const Tensor& rows) {
    return block.down(block.up(layer_norm(rows, norm, eps), FastLinear::Then::gelu));
  });
}

}  // namespace facet::layers
