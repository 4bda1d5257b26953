// A pre-norm transformer block whose tokens see their whole sequence: its layers and its stages.
#pragma once

#include <cstdint>
#include <vector>

#include "fast_linear.h"
#include "stages.h"

namespace facet::layers {

/// What is computed from the same rows lies together: one product instead of three.
struct Block {
  Norm attention_norm;
  FastLinear query_key_value;  ///< [3 d, d]
  FastLinear output;           ///< [d, d]
  Norm mlp_norm;
  FastLinear up, down;  ///< [mlp, d], [d, mlp]

  /// Those to be packed.
  std::vector<FastLinear*> layers() { return {&query_key_value, &output, &up, &down}; }
};

/// Appends the stages of blocks.I.in, .attn.out, .mlp.out and .out: x + attention(norm(x)), then
/// that + mlp(norm(that)). Queries are scaled by head_dim^-0.5 before the rotary embedding. `watch`
/// is shown the block's attention maps; without one they are not made. A row depends on its
/// sequence alone, and on the number of rows of the stretch no more than the library's products do.
/// A block that is not packed has the same bits in passes with gradients and without. All arguments
/// but `watch` must outlive the stages.
void add_block(std::vector<Stage>& stages, const Block& block, int64_t heads, double eps,
               const Rotary& rotary, const Packed& packed, const Watch& watch);

}  // namespace facet::layers
