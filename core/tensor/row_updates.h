// Updates of a weight whose gradient is held row by row.
#pragma once

#include "facet/ops.h"
#include "tensor/row_gradients.h"

namespace facet::ops {

/// adam_step() with the bits that the dense gradient gives. All rows move: a latent that did not
/// fire goes on by its moments. The latents of `param` are on `axis`, as HeldGradients::hold()
/// wants them; the moments are laid out alike.
void adam_step(Tensor& param, int64_t axis, const GradientRows& gradient, Tensor& first,
               Tensor& second, int64_t step, const Adam& adam);

}  // namespace facet::ops
