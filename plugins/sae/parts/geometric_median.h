// The geometric median of rows: the point with the least sum of distances to them.
#pragma once

#include <ATen/core/Tensor.h>

namespace facet {

/// x [n, d], n >= 1; returns [d] float32. NaN in gives NaN out.
///
/// source  Weiszfeld's algorithm from the mean, at most 100 steps, until a step is shorter than
/// 1e-5, as in
///         dictionary_learning 0.1.0 (trainers/top_k.py). Differs: where the point coincides with
///         rows, the step of Vardi and Zhang 2000 (PNAS 97(4):1423, eq. 2.6), so that it neither
///         divides by zero nor sticks.
at::Tensor geometric_median(const at::Tensor& x);

}  // namespace facet
