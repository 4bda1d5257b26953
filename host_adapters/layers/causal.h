// Attention to the tokens before: grouped heads over packed sequences, with what earlier passes
// left of them.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "layers.h"
#include "packed.h"

namespace facet::layers {

/// The keys and values of one block for the tokens of earlier passes.
class Past {
 public:
  explicit Past(int64_t sequences) : of_(static_cast<size_t>(sequences)) {}

  struct KeysValues {
    Tensor key, value;  ///< [kv_heads, tokens, head_dim]
  };
  /// Writes those of the next tokens of a sequence, [n, kv_heads, head_dim], after its first
  /// `before`; what stood behind these is forgotten. All before + n of them: views that hold until
  /// the next call for the sequence. Sequences may be extended on different threads.
  KeysValues extended(int64_t sequence, int64_t before, const Tensor& key, const Tensor& value);

 private:
  std::vector<KeysValues> of_;  // longer than what is written, so that they seldom grow
};

/// softmax(q k^T / sqrt(head_dim)) v in each sequence and head of a stretch, each token over itself
/// and those before it. q [t of the stretch, heads, head_dim], k and v [.., kv_heads, head_dim];
/// query head h reads key head h / (heads / kv_heads). [t of the stretch, heads * head_dim].
///
/// Pads at the end of a sequence see all of its real tokens and nobody sees them, as transformers
/// masks a batch that is padded on the right. `past` (or nullptr) is extended, and then read from
/// its begin. A watch is shown the maps, [heads, n, n]; it excludes a past.
Tensor causal_attention(const Tensor& q, const Tensor& k, const Tensor& v, const Packed& packed,
                        const Stretch& stretch, Past* past, const Watch& watch = {});

}  // namespace facet::layers
