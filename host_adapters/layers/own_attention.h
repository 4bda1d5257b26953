// Attention of one head of one sequence, written for the narrow heads of small language models:
// rotary embedding, scores, softmax and the mix of values without a pass through memory between
// them.
#pragma once

#include <cstdint>

namespace facet::layers {

/// Whether this processor has one of the instruction sets that attend_head() is written for (AVX2
/// with FMA, AVX-512).
bool attends_here();

/// One head of one sequence of n tokens, or a group of heads that share its keys and values. T is
/// float or c10::BFloat16; all else is float32.
template <class T>
struct Head {
  const T *q, *k, *v;      ///< [n, head_dim], not yet rotated
  int64_t stride;          ///< from a row of q, k or v to the next
  const float *cos, *sin;  ///< [n, head_dim / 2]
  int64_t n, head_dim;     ///< head_dim is even
  int64_t real;            ///< tokens that are seen, the first ones: at least 1, at most n
  float scale;             ///< of q, before it is rotated
  T* out;                  ///< [n, head_dim]: softmax(rotated q . rotated k) v
  int64_t out_stride;
  bool causal = false;  ///< a token sees itself and those before it, not all that are seen
  int64_t group = 1;    ///< heads of q and out, side by side, that share k and v
};

/// Numbers of room that attend_head() wants.
int64_t room_of_head(int64_t n, int64_t head_dim);
/// Computes head.out; a row depends on nothing but its sequence, and on no thread. `room` is
/// written over.
template <class T>
void attend_head(const Head<T>& head, float* room);

}  // namespace facet::layers
