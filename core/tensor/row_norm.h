// One row of ops::normalise_rows().
#pragma once

#include <cmath>

#include "tensor/vectors.h"

namespace facet {

/// row [d] divided by its norm + eps.
inline void normalise_row(float* row, int64_t d, float eps) {
  const float norm = std::sqrt(vectors::dot(row, row, d));
  vectors::scale(1 / (norm + eps), row, d);
}

}  // namespace facet
