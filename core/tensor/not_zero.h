// Lists what is not 0 in dense codes.
#pragma once

#include <ATen/core/Tensor.h>

namespace facet {

/// Latents and values of what is not 0 in `dense` [n, m], row after row, to `latent` and `value`;
/// NaN is not 0. float32 on the CPU, contiguous. `start` [n + 1] int64: where a row's entries
/// begin.
void list_not_zero(const at::Tensor& dense, const at::Tensor& start, int32_t* latent, float* value);

/// start from the counts of the rows, which stand in start[1] .. start[n]; how many there are.
int64_t starts_of_counts(const at::Tensor& start);

}  // namespace facet
