// Optimiser: Adam over all parameters of an SAE, behind a limit on the norm of the whole gradient.
#pragma once

#include <string>
#include <vector>

#include "facet/ops.h"
#include "facet/sae.h"
#include "facet/safetensors.h"

namespace facet {

class Optimiser {
 public:
  explicit Optimiser(const Sae& sae);

  void clear_gradients();
  /// The norm of the whole gradient; `bad` names the first parameter whose gradient is not finite.
  double gradient_norm(std::string& bad) const;
  void scale_gradients(double factor);
  /// `step` counts from 1. A parameter without a gradient stays as it is.
  void step(int64_t step, const ops::Adam& adam);

  NamedTensors tensors() const;  ///< "first/<param>", "second/<param>"
  void restore(const NamedTensors& tensors);

 private:
  struct Trained {
    std::string name;
    Tensor value, first, second;  // of equal sizes and strides
  };
  std::vector<Trained> params_;
};

}  // namespace facet
