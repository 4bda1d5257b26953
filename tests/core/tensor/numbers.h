// Random tensors and comparisons for the tests of this room.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "facet/codes.h"
#include "facet/rng.h"
#include "facet/torch.h"

namespace facet {

/// Normal numbers of the stream `purpose`, float32.
inline Tensor random_tensor(const std::vector<int64_t>& sizes, const std::string& purpose) {
  Rng rng(7, purpose);
  Tensor out = at::empty(sizes, at::kFloat);
  float* values = out.mutable_data_ptr<float>();
  for (int64_t i = 0; i < out.numel(); ++i) values[i] = static_cast<float>(rng.normal());
  return out;
}

inline Tensor floats(const std::vector<float>& values) { return torch::tensor(values); }

/// Largest difference, as a share of the largest magnitude that was expected (at least 1).
inline double worst(const Tensor& is, const Tensor& expected) {
  if (is.sizes() != expected.sizes()) return 1e30;
  if (is.numel() == 0) return 0;
  const Tensor difference = (is.to(at::kDouble) - expected.to(at::kDouble)).abs().max();
  return difference.item<double>() / std::max(1.0, expected.abs().max().item<double>());
}

inline bool same_bits(const Tensor& a, const Tensor& b) {
  return a.sizes() == b.sizes() && a.scalar_type() == b.scalar_type() &&
         a.contiguous().view({-1}).view(at::kByte).equal(b.contiguous().view({-1}).view(at::kByte));
}

}  // namespace facet
