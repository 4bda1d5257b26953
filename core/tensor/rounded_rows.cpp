// Rounding, a row at a time, and what it is worth.
#include "tensor/rounded_rows.h"

#include <ATen/Parallel.h>
#include <facet/torch.h>

#include <algorithm>
#include <cmath>

#include "tensor/vectors.h"

namespace facet {
namespace {

constexpr int64_t kSampledRows = 64;
// Products x.w of unlike rows spread by |x| |w| / sqrt(d), and rounding may move both bounds of
// one: with more than this share of the spread, too many latents stay in doubt.
constexpr float kMostDoubt = 1.0f;

// An instruction set without products of int8 numbers adds them up in 16 bits, which saturate.
bool int8_products_are_exact() {
  for (const int64_t d : {64, 480, 4096}) {
    at::Tensor x = at::full({64, d}, 127, at::kChar), w = at::full({96, d}, 127, at::kChar);
    x.slice(0, 0, 64, 2).neg_();
    w.slice(1, 0, d, 3).neg_();
    const at::Tensor expected = at::mm(x.to(at::kDouble), w.to(at::kDouble).t());
    if (!at::_int_mm(x, w.t()).to(at::kDouble).equal(expected)) return false;
  }
  return true;
}

// The mean share of the norm of a row that rounding takes, of some of the rows.
float share_lost(const at::Tensor& rows, Numbers numbers) {
  const int64_t every = std::max<int64_t>(1, rows.size(0) / kSampledRows);
  const RoundedRows some(rows.slice(0, 0, rows.size(0), every).contiguous(), numbers);
  float sum = 0;
  for (size_t i = 0; i < some.norm.size(); ++i)
    if (some.norm[i] > 0) sum += some.residue[i] / some.norm[i];
  return sum / static_cast<float>(std::max<size_t>(1, some.norm.size()));
}

}  // namespace

Numbers fine_numbers() {
#if defined(__x86_64__)
  static const bool narrow =
      __builtin_cpu_supports("avx512bf16") || __builtin_cpu_supports("amx-bf16");
  return narrow ? Numbers::bf16 : Numbers::fp32;
#else
  return Numbers::fp32;
#endif
}

Numbers fastest_numbers() {
#if defined(__x86_64__)
  static const bool narrowest =
      (__builtin_cpu_supports("avx512vnni") || __builtin_cpu_supports("amx-int8")) &&
      int8_products_are_exact();
  return narrowest ? Numbers::int8 : fine_numbers();
#else
  return Numbers::fp32;
#endif
}

Numbers numbers_for(const at::Tensor& x, const at::Tensor& w) {
  const Numbers fastest = fastest_numbers();
  if (fastest != Numbers::int8) return fastest;
  const float lost = share_lost(x, fastest) + share_lost(w, fastest);
  const float doubt = 2 * lost * std::sqrt(static_cast<float>(w.size(1)));
  return doubt <= kMostDoubt ? fastest : fine_numbers();
}

RoundedRows::RoundedRows(const at::Tensor& w, Numbers of)
    : numbers(of),
      exact(w),
      norm(static_cast<size_t>(w.size(0))),
      residue(norm.size()),
      scale(norm.size(), 1.0f) {
  if (numbers == Numbers::bf16) rounded = at::empty_like(w, at::kBFloat16);
  if (numbers == Numbers::int8) rounded = at::empty_like(w, at::kChar);
  at::parallel_for(0, w.size(0), 64, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) round(i);
  });
}

void RoundedRows::round(int64_t row) {
  const int64_t d = exact.size(1);
  const float* x = exact.const_data_ptr<float>() + row * d;
  vectors::Rounding r;
  if (numbers == Numbers::int8)
    r = vectors::rounding(x, rounded.mutable_data_ptr<int8_t>() + row * d, d);
  else if (numbers == Numbers::bf16)
    r = vectors::rounding(x, static_cast<uint16_t*>(rounded.mutable_data_ptr()) + row * d, d);
  else
    r = vectors::rounding(x, d);
  const auto i = static_cast<size_t>(row);
  norm[i] = r.norm;
  residue[i] = r.residue;
  scale[i] = r.scale;
}

}  // namespace facet
