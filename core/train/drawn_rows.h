// Which rows dead latents begin anew from.
#pragma once

#include <ATen/core/Tensor.h>

#include "facet/rng.h"

namespace facet {

/// `count` numbers of rows (fewer when fewer rows have a weight), without replacement, with a
/// chance in proportion to `weight` [n] float64 on the CPU, not below 0; in the order they are
/// drawn.
at::Tensor drawn_rows(const at::Tensor& weight, int64_t count, Rng rng);

}  // namespace facet
