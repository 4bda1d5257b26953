// Products of float32 matrices on the CPU, by the fastest library that LibTorch carries.
#pragma once

#include <ATen/core/Tensor.h>

namespace facet {

/// x w + bias: x [n, d], w [d, m], bias [m] or undefined; float32 on the CPU, any strides. [n, m].
/// Large ones by oneDNN, whose code is made for the machine it runs on: MKL's takes 1.15 times as
/// long on an AMD CPU.
at::Tensor product(const at::Tensor& x, const at::Tensor& w, const at::Tensor& bias = {});

/// x^T g, the gradient of w in product(x, w): x [n, d], g [n, m]. [d, m], either axis contiguous.
at::Tensor product_of_transposed(const at::Tensor& x, const at::Tensor& g);

}  // namespace facet
