// What passes over the codes of every latent share (rectify, jump, gate).
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>

#include "facet/codes.h"

namespace facet {

/// Rows that one thread takes at a time.
constexpr int64_t kDenseRows = 64;

/// What is not 0 in `active` [n, m], float32 on the CPU and contiguous. Counts stand in start[1] ..
/// start[n]; start becomes where rows begin, and the codes' own.
Codes entries_of(const at::Tensor& active, const at::Tensor& start);

/// Calls body(begin, end) with rows that are one thread's.
void for_dense_rows(int64_t n, const std::function<void(int64_t, int64_t)>& body);

/// Calls body(begin, end, sums) with kDenseRows rows at a time, on all threads, where sums [kinds,
/// m] begin at 0, and adds up the sums in the order of the rows: [kinds, m], the same bits on any
/// number of threads.
at::Tensor sums_over_rows(int64_t n, int64_t kinds, int64_t m,
                          const std::function<void(int64_t, int64_t, float*)>& body);

/// The gradient of `active` [n, m], contiguous: what reaches it by itself, and by the values of its
/// entries, of which each may be undefined.
at::Tensor gradient_of_active(const at::Tensor& active, const at::Tensor& start,
                              const at::Tensor& latent, const at::Tensor& by_itself,
                              const at::Tensor& by_value);

/// `gradient`, contiguous, or zeros [n] of the kind of `like` where it is undefined.
at::Tensor gradient_of_rows(const at::Tensor& gradient, const at::Tensor& like);

/// Whether passes of our own take `pre`: float32 on the CPU, and not train.kernels = "plain".
bool takes_dense_passes(const at::Tensor& pre);

}  // namespace facet
