// GatedSae: one product of rows and W_enc, read twice: a gate says which latents fire, a magnitude
// how much.
#pragma once

#include <string>
#include <vector>

#include "affine_sae.h"
#include "facet/ops.h"

namespace facet {

/// detached  the gate reconstructs the row by itself, W_dec and b_dec being held constant in that
///           term (Rajamanoharan et al. 2024, arXiv:2404.16014, eq. 8; dictionary_learning)
/// attached  the same, but W_dec and b_dec learn from it (SAELens)
/// none      without that term (RouteSAE)
std::vector<std::string> via_gate_words();
/// gate   what the gate passes, ReLU of its pre-activation (the paper, eq. 7)
/// codes  the codes, from which the gate learns nothing (RouteSAE)
std::vector<std::string> sparsity_on_words();

struct GatedForm : AffineForm {
  std::string via_gate = "detached";
  std::string sparsity_on = "gate";
};

/// Adds the fields of GatedForm and AffineForm to the schema of P, which is derived from it.
template <class P>
Schema<P>& add_gated_fields(Schema<P>& schema) {
  schema
      .field("via_gate", static_cast<std::string P::*>(&GatedForm::via_gate),
             "Whether the gate reconstructs rows by itself too, the term that teaches it: with "
             "W_dec and b_dec held constant in it (detached) or not (attached).",
             one_of(via_gate_words()))
      .field("sparsity_on", static_cast<std::string P::*>(&GatedForm::sparsity_on),
             "What the sparsity term sums: ReLU of the gate's pre-activations, or codes, which "
             "teach the gate nothing.",
             one_of(sparsity_on_words()));
  return add_affine_fields(schema);
}

/// W_enc [d, m], b_gate [m] (where other architectures have b_enc), r_mag and b_mag [m], W_dec
/// [m, d], b_dec [d]. With u = (x - b_dec) W_enc a latent fires where u + b_gate > 0, and is then
/// ReLU(exp(r_mag) u + b_mag). source: arXiv:2404.16014, eq. 4 to 6
class GatedSae : public AffineSae {
 public:
  Codes encode(const Tensor& x, Mode mode) override;
  Losses losses(const Pass& pass, const Step& step) override;
  /// Both biases take in what the map moves.
  bool fold(const RowMap& map) override;
  void revive(const Tensor& latents, const Batch& batch) override;
  std::vector<std::string> estimated() const override;
  Value saelens() const override;
  /// Of tied weights the same untied; nothing where infer_k or theta choose among codes.
  std::optional<InferenceForm> inference_form() const override;

 protected:
  GatedSae(const std::string& type, const GatedForm& form, const Shape& shape, Init& init);
  /// The term that keeps z [n, m] sparse, or nothing. `sums` [n]: of its rows, where they are
  /// known.
  virtual Losses sparsity_terms(const Tensor& z, const Tensor& sums, const Step& step) = 0;
  /// Leaves the notes "passed" and "active" [n, m] and "sum" [n] of ops::Gated.
  Pass pass_rows(const Tensor& x, Mode mode) override;

 private:
  ops::Gated coded(const Tensor& x) const;
  Loss via_gate(const Pass& pass, const Step& step);

  const GatedForm gated_;
  Tensor r_mag_, b_mag_;  // [m]
};

}  // namespace facet
