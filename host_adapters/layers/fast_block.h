// The weights of a block as the fastest products of this processor want them, and the parts of the
// block that are computed with these.
#pragma once

#include <memory>
#include <vector>

#include "fast_linear.h"
#include "stages.h"

namespace facet::layers {

/// Packed layers: a second copy, beside the weights that gradients and other devices use.
struct FastBlock {
  FastLinear query_key_value;  ///< one layer: queries, keys and values side by side
  FastLinear output, up, down;
};

/// Gives each block its FastBlock, where FastLinear packs weights. Elsewhere blocks stay as they
/// are. Call it when the weights will not change any more.
void add_fast_blocks(std::vector<Block>& blocks);

/// Whether the block has a FastBlock and a pass without gradients and maps may use it.
bool runs_fast(const Block& block, const Watch& watch);

/// output(attention(query_key_value(h))) of normalised rows h [t, d]. Each sequence is computed by
/// itself; a row depends on its sequence alone, and on the number of rows of the stretch no more
/// than the library's products do. As the block's own layers, but for rounding.
Tensor fast_attention(const Tensor& h, const FastBlock& block, int64_t heads, const Rotary& rotary,
                      const Packed& packed, const Stretch& stretch);

/// down(gelu(up(layer_norm(x)))) of x [t, d], some rows at a time, so that what is between the
/// layers stays in a core's cache. The gelu is applied to sums that are not stored before.
Tensor fast_mlp(const Tensor& x, const FastBlock& block, const Norm& norm, double eps);

}  // namespace facet::layers
