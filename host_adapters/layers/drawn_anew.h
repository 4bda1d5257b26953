// Weights that learnt nothing: a control for everything that is said of a trained model.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>

namespace facet::layers {

/// Numbers drawn anew, normal, with the mean and the standard deviation of a trained tensor; the
/// same for the same seed and name, whatever else is drawn. Its sizes, dtype and device.
///
/// source  Heap, Lawson, Farnik and Aitchison 2025, arXiv:2501.17727 ("re-randomized, including
///         embeddings").
at::Tensor drawn_anew(const at::Tensor& trained, uint64_t seed, const std::string& name);

}  // namespace facet::layers
