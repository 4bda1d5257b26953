// Draws one row after the other from what is left.
#include "train/drawn_rows.h"

#include <facet/torch.h>

#include <algorithm>
#include <numeric>
#include <vector>

namespace facet {

at::Tensor drawn_rows(const at::Tensor& weight, int64_t count, Rng rng) {
  const at::Tensor left = weight.clone();
  double* w = left.mutable_data_ptr<double>();
  const int64_t n = left.size(0);
  std::vector<int64_t> drawn;
  while (static_cast<int64_t>(drawn.size()) < std::min(count, n)) {
    const double sum = std::accumulate(w, w + n, 0.0);
    if (!(sum > 0)) break;
    double at = rng.uniform() * sum;
    int64_t row = 0, last = 0;
    for (row = 0; row < n; ++row) {
      if (w[row] == 0) continue;
      last = row;
      at -= w[row];
      if (at < 0) break;
    }
    drawn.push_back(row < n ? row : last);
    w[drawn.back()] = 0;
  }
  return torch::tensor(drawn, torch::kInt64);
}

}  // namespace facet
