// The operations in LibTorch's own functions, for tensors that are not on the CPU. They work on the
// CPU too, which is how they are tested against the reference.
#pragma once

#include "facet/ops.h"

namespace facet::ops::elsewhere {

Codes keep_topk(const Tensor& pre, int64_t k, Negatives negatives = Negatives::zero);
Codes keep_batch_topk(const Tensor& pre, int64_t count);
Tensor decode(const Codes& codes, const Tensor& w_dec, const Tensor& b_dec);
void adam_step(Tensor& param, const Tensor& gradient, Tensor& first, Tensor& second, int64_t step,
               const Adam& adam);
void normalise_rows(Tensor& w, double eps);
void remove_parallel(Tensor& gradient, const Tensor& w, double eps);

}  // namespace facet::ops::elsewhere
