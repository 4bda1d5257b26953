// Stretches frequencies.
#include "rope.h"

#include <facet/torch.h>

#include <numbers>

#include "layers.h"

namespace facet::llama {

std::string text_of(Scaling scaling) {
  if (scaling == Scaling::none) return "default";
  return scaling == Scaling::linear ? "linear" : "llama3";
}

at::Tensor frequencies(const Rope& rope, int64_t head_dim) {
  const at::Tensor plain = layers::inverse_frequencies(head_dim, rope.theta);
  if (rope.scaling == Scaling::none) return plain;
  const at::Tensor stretched = plain / rope.factor;
  if (rope.scaling == Scaling::linear) return stretched;
  const auto original = static_cast<double>(rope.original);
  const at::Tensor wavelength = 2 * std::numbers::pi / plain;
  const at::Tensor share = (original / wavelength - rope.low) / (rope.high - rope.low);
  const at::Tensor mixed = (1 - share) * plain / rope.factor + share * plain;
  const at::Tensor between = torch::where(wavelength < original / rope.high, plain, mixed);
  return torch::where(wavelength > original / rope.low, stretched, between);
}

}  // namespace facet::llama
