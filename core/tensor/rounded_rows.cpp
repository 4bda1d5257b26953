// Rounding, a row at a time.
#include "tensor/rounded_rows.h"

#include <ATen/Parallel.h>
#include <facet/torch.h>

#include "tensor/vectors.h"

namespace facet {

Numbers fastest_numbers() {
#if defined(__x86_64__)
  static const bool narrow =
      __builtin_cpu_supports("avx512bf16") || __builtin_cpu_supports("amx-bf16");
  return narrow ? Numbers::bf16 : Numbers::fp32;
#else
  return Numbers::fp32;
#endif
}

RoundedRows::RoundedRows(const at::Tensor& w, Numbers numbers)
    : exact(w), norm(static_cast<size_t>(w.size(0))), residue(norm.size()) {
  if (numbers == Numbers::bf16) rounded = at::empty_like(w, at::kBFloat16);
  at::parallel_for(0, w.size(0), 64, [&](int64_t begin, int64_t end) {
    for (int64_t l = begin; l < end; ++l) round(l);
  });
}

void RoundedRows::round(int64_t latent) {
  const int64_t d = exact.size(1);
  auto* out = rounded.defined() ? static_cast<uint16_t*>(rounded.data_ptr()) + latent * d : nullptr;
  const vectors::Rounding r = vectors::rounding(exact.const_data_ptr<float>() + latent * d, out, d);
  norm[static_cast<size_t>(latent)] = r.norm;
  residue[static_cast<size_t>(latent)] = r.residue;
}

}  // namespace facet
