// Sums squares over chunks of fixed size, then over the chunks in their order.
#include "train/gradient_norm.h"

#include <facet/torch.h>

#include <ATen/Parallel.h>

#include <algorithm>
#include <numeric>
#include <vector>

#include "tensor/vectors.h"

namespace facet {

namespace {

constexpr int64_t kChunk = 16384;

}  // namespace

double squared_norm(const Tensor& x) {
  if (!x.is_cpu()) return x.to(torch::kFloat64).square().sum().item<double>();
  // Any order of the elements does, as long as it is always the same: memory order needs no copy.
  const Tensor flat = x.is_non_overlapping_and_dense() ? x : x.contiguous();
  const float* values = flat.const_data_ptr<float>();
  const int64_t n = flat.numel(), chunks = (n + kChunk - 1) / kChunk;
  std::vector<double> sums(static_cast<size_t>(chunks));
  at::parallel_for(0, chunks, 1, [&](int64_t begin, int64_t end) {
    for (int64_t chunk = begin; chunk < end; ++chunk) {
      const int64_t first = chunk * kChunk;
      sums[static_cast<size_t>(chunk)] =
          vectors::sum_of_squares(values + first, std::min(n - first, kChunk));
    }
  });
  return std::accumulate(sums.begin(), sums.end(), 0.0);
}

}  // namespace facet
