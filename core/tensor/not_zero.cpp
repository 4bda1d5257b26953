// A row at a time.
#include "tensor/not_zero.h"

#include <ATen/Parallel.h>
#include <facet/torch.h>

#include <cstring>
#include <vector>

namespace facet {

void list_not_zero(const at::Tensor& dense, const at::Tensor& start, int32_t* latent,
                   float* value) {
  const int64_t m = dense.size(1);
  const float* values = dense.const_data_ptr<float>();
  const int64_t* first = start.const_data_ptr<int64_t>();
  at::parallel_for(0, dense.size(0), 64, [&](int64_t begin, int64_t end) {
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

int64_t starts_of_counts(const at::Tensor& start) {
  int64_t* ends = start.data_ptr<int64_t>();
  for (int64_t i = 1; i < start.size(0); ++i) ends[i] += ends[i - 1];
  return ends[start.size(0) - 1];
}

}  // namespace facet
