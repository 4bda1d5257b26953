// Sums and means over the rows of all ranks that train one SAE together.
#pragma once

#include "facet/sae.h"

namespace facet {

/// The sum of x over all ranks.
inline Tensor over_ranks(const Step& step, const Tensor& x) {
  return step.group ? step.group->sum(x) : x;
}
/// Rows of the batches of all ranks, as a scalar of x's kind; x [n, ...].
Tensor rows_of_ranks(const Step& step, const Tensor& x);
/// The mean over the rows of all ranks of a figure [n] of each row.
Tensor mean_of_rows(const Step& step, const Tensor& figure);

}  // namespace facet
