// Draws that belong to a row: the same row under the same seed draws the same, in any batch.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace facet {

using at::Tensor;

/// One number of each row of x [n, ...], made from the bits of its float32 values: [n] int64 on the
/// CPU, all 64 bits of it used.
/// source: multilinear hashing (Carter and Wegman 1979), then the mixer of splitmix64 (Steele et
/// al. 2014)
Tensor row_numbers(const Tensor& x, int64_t seed);

/// The number of all rows together, whatever their order.
int64_t number_of_all(const Tensor& numbers);

/// Which of `choices` a number stands for: [n] int64.
Tensor drawn_choice(const Tensor& numbers, int64_t choices);

/// k different ones of 0 .. m - 1 for each number, ascending: [n, k] int64. Requires k <= m.
/// source: Floyd's algorithm (Bentley and Floyd 1987)
Tensor drawn_subset(const Tensor& numbers, int64_t m, int64_t k);

}  // namespace facet
