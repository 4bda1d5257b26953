// Bodies of what passes over dense codes share.
#include "tensor/dense_codes.h"

#include <ATen/Parallel.h>
#include <facet/torch.h>

#include <algorithm>

#include "tensor/not_zero.h"
#include "tensor/plain_kernels.h"

namespace facet {

using at::Tensor;

Codes entries_of(const Tensor& active, const Tensor& start) {
  const int64_t entries = starts_of_counts(start);
  const Codes out{start, at::empty({entries}, at::kInt), at::empty({entries}, at::kFloat),
                  active.size(1)};
  list_not_zero(active, start, out.latent.data_ptr<int32_t>(), out.value.data_ptr<float>());
  return out;
}

void for_dense_rows(int64_t n, const std::function<void(int64_t, int64_t)>& body) {
  at::parallel_for(0, n, kDenseRows, body);
}

Tensor sums_over_rows(int64_t n, int64_t kinds, int64_t m,
                      const std::function<void(int64_t, int64_t, float*)>& body) {
  const int64_t parts = (n + kDenseRows - 1) / kDenseRows;
  const Tensor sums = at::zeros({std::max<int64_t>(parts, 1), kinds, m}, at::kFloat);
  float* to = sums.data_ptr<float>();
  at::parallel_for(0, parts, 1, [&](int64_t first, int64_t last) {
    for (int64_t p = first; p < last; ++p)
      body(p * kDenseRows, std::min(n, (p + 1) * kDenseRows), to + p * kinds * m);
  });
  Tensor total = sums[0].clone();
  for (int64_t p = 1; p < parts; ++p) total += sums[p];
  return total;
}

Tensor gradient_of_active(const Tensor& active, const Tensor& start, const Tensor& latent,
                          const Tensor& by_itself, const Tensor& by_value) {
  const Tensor gradient = by_itself.defined() ? by_itself.contiguous() : at::zeros_like(active);
  if (!by_value.defined()) return gradient;
  return gradient + Codes{start, latent, by_value.contiguous(), active.size(1)}.dense();
}

Tensor gradient_of_rows(const Tensor& gradient, const Tensor& like) {
  return gradient.defined() ? gradient.contiguous() : at::zeros({like.size(0)}, like.options());
}

bool takes_dense_passes(const Tensor& pre) {
  return pre.is_cpu() && pre.scalar_type() == at::kFloat && !PlainKernels::wanted();
}

}  // namespace facet
