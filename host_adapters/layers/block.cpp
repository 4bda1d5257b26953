// Attention and MLP between hookpoints.
#include "block.h"

#include <facet/torch.h>

#include <cmath>

#include "attended_by_heads.h"

namespace facet::layers {

namespace {

/// Attends with LibTorch's attention; qkv [t, 3 d], queries not yet scaled.
Tensor mixed_by_library(const Tensor& qkv, int64_t heads, const Rotary& rotary,
                        const Packed& packed, const Stretch& stretch, const Watch& watch) {
  const int64_t head_dim = qkv.size(1) / 3 / heads;
  const auto part = [&](int64_t i) {
    return qkv.view({-1, 3, heads, head_dim}).select(1, i);  // [t, heads, head_dim]
  };
  const Tensor q = part(0) * std::pow(static_cast<double>(head_dim), -0.5);
  return attention(rotary.rotated(q, stretch), rotary.rotated(part(1), stretch), part(2), packed,
                   stretch, watch);
}

}  // namespace

void add_block(std::vector<Stage>& stages, const Block& block, int64_t heads, double eps,
               const Rotary& rotary, const Packed& packed, const Watch& watch) {
  stages.push_back([](Residual&, const Stretch&) {});
  stages.push_back(
      [&block, &rotary, &packed, heads, eps, watch](Residual& r, const Stretch& stretch) {
        r.x = r.shown;
        const Tensor qkv = by_rows(r.x, [&](const Tensor& rows) {
          return block.query_key_value(layer_norm(rows, block.attention_norm, eps));
        });
        const Tensor mixed =
            block.output.packed() && !watch && attends_by_heads(qkv)
                ? attended_by_heads(qkv, {heads, heads}, Sees::all, rotary, packed, stretch)
                : mixed_by_library(qkv, heads, rotary, packed, stretch, watch);
        r.shown = by_rows(mixed, block.output);
      });
  stages.push_back([&block, eps](Residual& r, const Stretch&) {
    r.x = r.x + r.shown;
    r.shown = by_rows(r.x, [&](const Tensor& rows) {
      return block.down(block.up(layer_norm(rows, block.mlp_norm, eps), FastLinear::Then::gelu));
    });
  });
  stages.push_back([](Residual& r, const Stretch&) { r.shown = r.x + r.shown; });
}

}  // namespace facet::layers
