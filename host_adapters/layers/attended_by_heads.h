// Attention of all heads of a stretch by attend_head().
#pragma once

#include <ATen/core/Tensor.h>

#include "layers.h"
#include "packed.h"

namespace facet::layers {

/// Query heads, and heads of keys and values, each read by heads / kv_heads of the queries.
struct Heads {
  int64_t heads, kv_heads;
};

/// What a token sees of its sequence.
enum class Sees { all = 1, before };

/// Whether attend_head() runs on this processor and takes rows like these: on the CPU, float32 or
/// bf16, no gradients.
bool attends_by_heads(const Tensor& qkv);

/// softmax(q k^T / sqrt(head_dim)) v in each sequence and head of a stretch, after the rotary
/// embedding. qkv [t of the stretch, (heads + 2 kv_heads) head_dim]: queries, keys, values, not yet
/// rotated. [t of the stretch, heads head_dim]. Pads at the end of a sequence are seen by nobody;
/// where there is nothing else their rows are 0. A row depends on what it sees alone, bit for bit.
Tensor attended_by_heads(const Tensor& qkv, Heads heads, Sees sees, const Rotary& rotary,
                         const Packed& packed, const Stretch& stretch);

}  // namespace facet::layers
