// Attention and MLP between hookpoints.
#include "blocks.h"

#include <facet/torch.h>

#include "attended_by_heads.h"

namespace facet::llama {

using layers::Residual;
using layers::Stretch;

void add_block(std::vector<layers::Stage>& stages, const Block& block, const Config& config,
               const layers::Rotary& rotary, const layers::Packed& packed, layers::Past* past,
               const layers::Watch& watch) {
  stages.push_back([](Residual&, const Stretch&) {});
  stages.push_back([&, past, watch](Residual& r, const Stretch& stretch) {
    r.x = r.shown;
    const int64_t heads = config.heads, kv_heads = config.kv_heads;
    const at::Tensor h = layers::rms_norm(r.x, block.attention_norm, config.eps);
    const at::Tensor rows = layers::by_rows(h, block.query_key_value);
    if (!past && !watch && layers::attends_by_heads(rows)) {
      const at::Tensor mixed = layers::attended_by_heads(
          rows, {heads, kv_heads}, layers::Sees::before, rotary, packed, stretch);
      r.shown = layers::by_rows(mixed, block.output);
      return;
    }
    const at::Tensor all = rows.view({-1, heads + 2 * kv_heads, config.head_dim});
    const at::Tensor turned = rotary.rotated(all.narrow(1, 0, heads + kv_heads), stretch);
    const at::Tensor mixed = layers::causal_attention(
        turned.narrow(1, 0, heads), turned.narrow(1, heads, kv_heads),
        all.narrow(1, heads + kv_heads, kv_heads), packed, stretch, past, watch);
    r.shown = layers::by_rows(mixed, block.output);
  });
  stages.push_back([&](Residual& r, const Stretch&) {
    r.x = r.x + r.shown;
    r.shown = layers::by_rows(r.x, [&](const at::Tensor& rows) {
      const at::Tensor h = layers::rms_norm(rows, block.mlp_norm, config.eps);
      return block.down(layers::gated_silu(block.gate_up(h)));
    });
  });
  stages.push_back([](Residual& r, const Stretch&) { r.shown = r.x + r.shown; });
}

}  // namespace facet::llama
