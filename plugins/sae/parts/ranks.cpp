// Bodies of sums over ranks.
#include "ranks.h"

#include <facet/torch.h>

namespace facet {

Tensor rows_of_ranks(const Step& step, const Tensor& x) {
  return over_ranks(step, at::full({}, static_cast<float>(x.size(0)), x.options()));
}

Tensor mean_of_rows(const Step& step, const Tensor& figure) {
  return over_ranks(step, figure.sum()) / rows_of_ranks(step, figure);
}

}  // namespace facet
