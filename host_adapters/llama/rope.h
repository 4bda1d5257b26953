// Rotary frequencies of Llama: as they are, or stretched for longer contexts.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>

namespace facet::llama {

enum class Scaling { none = 1, linear, llama3 };

struct Rope {
  double theta = 10000;
  Scaling scaling = Scaling::none;
  double factor = 1;
  /// Of llama3: wavelengths above original / low are stretched by `factor`, those below original /
  /// high are left, those between are mixed.
  double low = 1, high = 4;
  int64_t original = 8192;
};

/// "default", "linear", "llama3".
std::string text_of(Scaling scaling);

/// [head_dim / 2] float32, in float32 throughout.
/// source: transformers 5.23, modeling_rope_utils.py, _compute_llama3_parameters and
/// _compute_linear_scaling_rope_parameters.
at::Tensor frequencies(const Rope& rope, int64_t head_dim);

}  // namespace facet::llama
