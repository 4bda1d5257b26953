// Reading the rows that a normaliser is fitted to, block by block.
#pragma once

#include <algorithm>
#include <string>

#include "facet/error.h"
#include "facet/stream.h"
#include "facet/torch.h"

namespace facet {

inline constexpr int64_t kFitRows = 4096;  ///< read at once: bounds the memory of fit()
inline constexpr const char* kNormalise = "activations.normalize: ";

/// Calls f(block, n) with float32 rows [n, points, d] on the CPU, `rows` in all or one epoch;
/// returns how many there were, at least one.
template <class F>
int64_t each_block(const std::string& name, ActivationSource& source, int64_t rows, F&& f) {
  int64_t seen = 0;
  while (seen < rows) {
    const int64_t wanted = std::min(kFitRows, rows - seen);
    const Tensor x = source.next(wanted).x;
    const int64_t got = x.defined() ? x.size(0) : 0;
    if (got > 0) f(x.to(torch::kCPU, torch::kFloat32).contiguous(), got);
    seen += got;
    if (got < wanted) break;
  }
  if (seen == 0) throw UserError(kNormalise + name + ": there are no rows to fit it to");
  return seen;
}

}  // namespace facet
