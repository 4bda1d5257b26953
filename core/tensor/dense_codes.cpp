// Bodies of what passes over dense codes share.
#include "tensor/dense_codes.h"

#include <ATen/Parallel.h>
#include <facet/torch.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "tensor/plain_kernels.h"

namespace facet {

using at::Tensor;

namespace {

/// Latents and values of what is not 0 in `dense` [n, m], row after row; NaN is not 0. `start`
/// [n + 1]: where a row's entries begin.
void list_not_zero(const Tensor& dense, const Tensor& start, int32_t* latent, float* value) {
  const int64_t m = dense.size(1);
  const float* values = dense.const_data_ptr<float>();
  const int64_t* first = start.const_data_ptr<int64_t>();
  for_dense_rows(dense.size(0), [&](int64_t begin, int64_t end) {
    // Written whether 0 or not, and gone past only if not: no branch to guess. Room for one more.
    std::vector<int32_t> latents(static_cast<size_t>(m) + 1);
    std::vector<float> kept(latents.size());
    for (int64_t i = begin; i < end; ++i) {
      size_t count = 0;
      for (int64_t l = 0; l < m; ++l) {
        latents[count] = static_cast<int32_t>(l);
        kept[count] = values[i * m + l];
        count += kept[count] != 0;
      }
      std::memcpy(latent + first[i], latents.data(), count * sizeof(int32_t));
      std::memcpy(value + first[i], kept.data(), count * sizeof(float));
    }
  });
}

/// start from the counts of the rows, which stand in start[1] .. start[n]; how many there are.
int64_t starts_of_counts(const Tensor& start) {
  int64_t* ends = start.data_ptr<int64_t>();
  for (int64_t i = 1; i < start.size(0); ++i) ends[i] += ends[i - 1];
  return ends[start.size(0) - 1];
}

}  // namespace

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
