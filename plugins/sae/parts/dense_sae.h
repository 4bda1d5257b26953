// DenseSae: an AffineSae whose codes are worked out for every latent of every row (relu, jumprelu).
#pragma once

#include <string>

#include "affine_sae.h"
#include "facet/ops.h"

namespace facet {

class DenseSae : public AffineSae {
 public:
  Codes encode(const Tensor& x, Mode mode) override;

 protected:
  using AffineSae::AffineSae;
  /// The codes of an SAE that works out every latent.
  struct Coded {
    Tensor active;  // [n, m]
    Codes codes;    // what of it is not 0
    Notes notes;    // what else losses() reads
  };
  virtual Coded coded(const Tensor& pre, Mode mode) = 0;
  /// What infer_k and theta choose from, of pre-activations: [n, m], not below 0.
  virtual Tensor activations(const Tensor& pre) const;
  /// [m], what an activation must be above to be kept in Mode::infer, where its value is the
  /// pre-activation; undefined where more is to it.
  virtual Tensor inference_threshold() const = 0;
  /// In Mode::train leaves the notes "pre" and "active" [n, m] and those of coded() beside those of
  /// AffineSae.
  Pass pass_rows(const Tensor& x, Mode mode) override;

 private:
  bool is_screened(Mode mode) const;
};

}  // namespace facet
