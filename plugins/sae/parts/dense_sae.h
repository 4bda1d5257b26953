// DenseSae: an AffineSae whose codes are worked out for every latent of every row (relu, jumprelu,
// batch_topk).
#pragma once

#include <string>

#include "affine_sae.h"

namespace facet {

class DenseSae : public AffineSae {
 public:
  Codes encode(const Tensor& x, Mode mode) override;

 protected:
  using AffineSae::AffineSae;
  /// The codes of pre-activations, both [n, m].
  virtual Tensor active(const Tensor& pre, Mode mode) = 0;
  /// What infer_k and theta choose from, of pre-activations: [n, m], not below 0.
  virtual Tensor activations(const Tensor& pre) const;
  /// Leaves the notes "pre" and "active" [n, m] beside those of AffineSae.
  Pass pass_rows(const Tensor& x, Mode mode) override;
};

}  // namespace facet
