// The norm of a whole gradient, the same bits at any number of threads.
#pragma once

#include <ATen/core/Tensor.h>

namespace facet {

using at::Tensor;

/// Sum of squares of a float32 tensor in float64, in a fixed order on the CPU.
double squared_norm(const Tensor& x);

}  // namespace facet
