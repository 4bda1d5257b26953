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

  /// Sets the moments of these latents [m] int64 to 0: columns of W_enc [d, d_sae], and rows of
  /// every other parameter but b_dec whose first axis has d_sae entries.
  void forget(const Tensor& latents, int64_t d_sae);

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
