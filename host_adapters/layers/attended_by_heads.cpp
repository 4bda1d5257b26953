// A job for each head of keys of each sequence.
#include "attended_by_heads.h"

#include <facet/torch.h>

#include <ATen/Parallel.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "own_attention.h"

namespace facet::layers {

namespace {

template <class T>
Tensor attended(const Tensor& qkv, Heads of, Sees sees, const Rotary& rotary, const Packed& packed,
                const Stretch& stretch) {
  const int64_t wide = qkv.size(1), head_dim = wide / (of.heads + 2 * of.kv_heads);
  const int64_t d = of.heads * head_dim, half = head_dim / 2, group = of.heads / of.kv_heads;
  const Tensor out = torch::empty({qkv.size(0), d}, qkv.options());
  int64_t longest = 0;
  for (int64_t i = stretch.first; i < stretch.last; ++i) {
    const int64_t begin = packed.begin(i), end = packed.end(i);
    longest = std::max(longest, end - begin);
    if (packed.real(i) == 0) out.slice(0, begin - stretch.begin, end - stretch.begin).zero_();
  }
  const int64_t sequences = stretch.last - stretch.first;
  const float *cos = rotary.cos.const_data_ptr<float>(), *sin = rotary.sin.const_data_ptr<float>();
  const T* rows = qkv.const_data_ptr<T>();
  T* to = out.data_ptr<T>();
  at::parallel_for(0, sequences * of.kv_heads, 1, [&](int64_t begin, int64_t end) {
    std::vector<float> room(static_cast<size_t>(room_of_head(longest, head_dim)));
    for (int64_t job = begin; job < end; ++job) {
      const int64_t i = stretch.first + job / of.kv_heads, kv_head = job % of.kv_heads;
      const int64_t first = packed.begin(i) - stretch.begin, column = kv_head * group * head_dim;
      const T* keys = rows + first * wide + d + kv_head * head_dim;
      if (packed.real(i) == 0) continue;  // nobody is seen
      attend_head(Head<T>{.q = rows + first * wide + column,
                          .k = keys,
                          .v = keys + of.kv_heads * head_dim,
                          .stride = wide,
                          .cos = cos + packed.begin(i) * half,
                          .sin = sin + packed.begin(i) * half,
                          .n = packed.end(i) - packed.begin(i),
                          .head_dim = head_dim,
                          .real = packed.real(i),
                          .scale = static_cast<float>(std::pow(head_dim, -0.5)),
                          .out = to + first * d + column,
                          .out_stride = d,
                          .causal = sees == Sees::before,
                          .group = group},
                  room.data());
    }
  });
  return out;
}

}  // namespace

bool attends_by_heads(const Tensor& qkv) {
  const bool type = qkv.scalar_type() == at::kFloat || qkv.scalar_type() == at::kBFloat16;
  return qkv.is_cpu() && type && attends_here() && !at::GradMode::is_enabled();
}

Tensor attended_by_heads(const Tensor& qkv, Heads heads, Sees sees, const Rotary& rotary,
                         const Packed& packed, const Stretch& stretch) {
  const auto attend = qkv.scalar_type() == at::kFloat ? attended<float> : attended<c10::BFloat16>;
  return attend(qkv, heads, sees, rotary, packed, stretch);
}

}  // namespace facet::layers
