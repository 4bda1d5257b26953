// Attends sequence by sequence.
#include "causal.h"

#include <facet/torch.h>

#include <algorithm>
#include <cmath>

#include "attended_by_heads.h"
#include "facet/error.h"

namespace facet::layers {

namespace {

using KeysValues = Past::KeysValues;

/// [kv_heads, n, head_dim] as [kv_heads, heads of a group, n, head_dim], nothing copied.
Tensor for_groups(const Tensor& x, int64_t group) {
  return x.unsqueeze(1).expand({-1, group, -1, -1});
}

/// q [heads, n, head_dim] over keys and values [kv_heads, m, head_dim]: [heads, n, head_dim]. The
/// last of the n tokens is the last of the m.
Tensor attended(const Tensor& q, const KeysValues& past, Sees sees) {
  const int64_t kv_heads = past.key.size(0), group = q.size(0) / kv_heads;
  const int64_t n = q.size(1), m = past.key.size(1);
  Tensor mask;
  const bool causal = sees == Sees::before && n > 1;
  if (causal && n < m) mask = torch::ones({n, m}, q.options().dtype(torch::kBool)).tril(m - n);
  const Tensor out = at::scaled_dot_product_attention(
      q.view({kv_heads, group, n, q.size(2)}), for_groups(past.key, group),
      for_groups(past.value, group), mask.defined() ? std::optional<Tensor>(mask) : std::nullopt,
      /*dropout_p=*/0.0, /*is_causal=*/causal && n == m);
  return out.reshape(q.sizes());
}

/// The same for n tokens of which the first `real` are no pads, with their map.
Tensor attended_by_map(const Tensor& q, const KeysValues& own, int64_t real, int64_t sequence,
                       const Watch& watch) {
  const int64_t group = q.size(0) / own.key.size(0), n = q.size(1);
  const Tensor key = own.key.repeat_interleave(group, 0);
  const Tensor value = own.value.repeat_interleave(group, 0);
  Tensor seen = torch::ones({n, n}, q.options().dtype(torch::kBool)).tril();
  seen.slice(1, real).fill_(false);
  const double scale = 1 / std::sqrt(static_cast<double>(q.size(2)));
  const Tensor scores =
      torch::matmul(q.to(torch::kFloat32), key.to(torch::kFloat32).transpose(1, 2)) * scale;
  const Tensor map =
      scores.masked_fill(seen.logical_not(), -INFINITY).softmax(-1);  // [heads, n, n]
  watch(sequence, map);
  return torch::matmul(map.to(value.scalar_type()), value);
}

/// All tokens of a sequence, pads at the end.
Tensor attended_with_pads(const Tensor& q, const KeysValues& own, int64_t real) {
  if (real == 0) return torch::zeros_like(q);
  const KeysValues seen = {own.key.slice(1, 0, real), own.value.slice(1, 0, real)};
  const Tensor first = attended(q.slice(1, 0, real), seen, Sees::before);
  if (real == q.size(1)) return first;
  return torch::cat({first, attended(q.slice(1, real), seen, Sees::all)}, 1);
}

}  // namespace

KeysValues Past::extended(int64_t sequence, int64_t before, const Tensor& key,
                          const Tensor& value) {
  KeysValues& held = of_[static_cast<size_t>(sequence)];
  const int64_t n = key.size(0), need = before + n;
  const auto fit = [&](Tensor& x) {
    if (x.defined() && x.size(1) >= need) return;
    const Tensor more =
        torch::empty({key.size(1), std::max(need, 2 * before), key.size(2)}, key.options());
    if (before > 0) more.slice(1, 0, before).copy_(x.slice(1, 0, before));
    x = more;
  };
  fit(held.key);
  fit(held.value);
  held.key.slice(1, before, need).copy_(key.transpose(0, 1));
  held.value.slice(1, before, need).copy_(value.transpose(0, 1));
  return {held.key.slice(1, 0, need), held.value.slice(1, 0, need)};
}

Tensor causal_attention(const Tensor& q, const Tensor& k, const Tensor& v, const Packed& packed,
                        const Stretch& stretch, Past* past, const Watch& watch) {
  FACET_ASSERT(!past || !watch, "attention maps of a cached pass");
  std::vector<Tensor> parts;
  for (int64_t i = stretch.first; i < stretch.last; ++i) {
    const int64_t begin = packed.begin(i) - stretch.begin, end = packed.end(i) - stretch.begin;
    if (begin == end && !watch) continue;
    const auto of_sequence = [&](const Tensor& x) { return x.slice(0, begin, end); };
    const Tensor own_q = of_sequence(q).transpose(0, 1);  // [heads, n, head_dim]
    const auto own = [&]() -> KeysValues {
      if (past) return past->extended(i, packed.before(i), of_sequence(k), of_sequence(v));
      return {of_sequence(k).transpose(0, 1), of_sequence(v).transpose(0, 1)};
    }();
    const Tensor out = watch  ? attended_by_map(own_q, own, packed.real(i), i, watch)
                       : past ? attended(own_q, own, Sees::before)
                              : attended_with_pads(own_q, own, packed.real(i));
    parts.push_back(out.transpose(0, 1).reshape({end - begin, q.size(1) * q.size(2)}));
  }
  if (parts.size() == 1) return parts[0];
  return parts.empty() ? q.reshape({0, q.size(1) * q.size(2)}) : torch::cat(parts);
}

}  // namespace facet::layers
