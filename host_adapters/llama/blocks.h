// The stages of a Llama block.
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "causal.h"
#include "config.h"
#include "fast_linear.h"
#include "stages.h"

namespace facet::llama {

/// What is computed from the same rows lies together: one product instead of two or three.
struct Block {
  at::Tensor attention_norm;           ///< [d]
  layers::FastLinear query_key_value;  ///< [(heads + 2 kv_heads) head_dim, d]
  layers::FastLinear output;           ///< [d, heads head_dim]
  at::Tensor mlp_norm;                 ///< [d]
  layers::FastLinear gate_up;          ///< [2 mlp, d]
  layers::FastLinear down;             ///< [d, mlp]
};

/// Appends the stages of blocks.I.in, .attn.out, .mlp.out and .out: x + attention(norm(x)), then
/// that + mlp(norm(that)). `past` (or nullptr) is what earlier passes left of the block. All
/// arguments but `watch` must outlive the stages.
void add_block(std::vector<layers::Stage>& stages, const Block& block, const Config& config,
               const layers::Rotary& rotary, const layers::Packed& packed, layers::Past* past,
               const layers::Watch& watch);

}  // namespace facet::llama
