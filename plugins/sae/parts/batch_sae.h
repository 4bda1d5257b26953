// BatchSae: a batch of n rows keeps its n * k largest activations, wherever they are; a threshold
// that follows the least of them stands in for the batch afterwards (batch_topk, matryoshka).
#pragma once

#include <map>
#include <string>
#include <vector>

#include "affine_sae.h"
#include "facet/value.h"

namespace facet {

struct BatchForm : AffineForm {
  BatchForm() { aux_coefficient = 1.0 / 32; }
  double k = 32;
  bool select_by_norm = false;
  double l1_coefficient = 0;
  std::string threshold_from = "first";
  double threshold_rate = 0.01;
  int64_t threshold_after = 0;
};

/// What each peer's trainer does. source: SAELens 6.54.12 (batchtopk_sae.py), dictionary_learning
/// 0.1.0 (trainers/batch_top_k.py), BatchTopK b9aab1c (sae.py, training.py)
std::map<std::string, Value> batch_peer_forms();
/// "" or what is wrong with k.
std::string problem_of_k(const BatchForm& form);

/// Adds the fields of BatchForm and AffineForm to the schema of P, which is derived from it.
template <class P>
Schema<P>& add_batch_fields(Schema<P>& schema) {
  const auto of = []<class T>(T BatchForm::*member) { return static_cast<T P::*>(member); };
  schema
      .field("k", of(&BatchForm::k), "Latents kept per row, on average over a batch; may be 6.5.",
             above(0))
      .field("select_by_norm", of(&BatchForm::select_by_norm),
             "Codes are activations times the norm of their row of W_dec, and are ranked so "
             "(SAELens' rescale_acts_by_decoder_norm).")
      .field("l1_coefficient", of(&BatchForm::l1_coefficient),
             "Weight of an L1 term on what is kept; 0: none.", at_least(0))
      .field(
          "threshold_from", of(&BatchForm::threshold_from),
          "Where the threshold begins: at the first batch that it follows, or at zero (SAELens).",
          one_of({"first", "zero"}))
      .field("threshold_rate", of(&BatchForm::threshold_rate),
             "Share of the newest batch in the running threshold.", between(0, 1))
      .field("threshold_after", of(&BatchForm::threshold_after),
             "Steps before the threshold follows.", at_least(0), unit("steps"))
      .check([](const P& p) { return problem_of_k(p); });
  return add_affine_fields(schema);
}

class BatchSae : public AffineSae {
 public:
  Losses losses(const Pass& pass, const Step& step) override;
  bool fold(const RowMap& map) override;
  Codes encode(const Tensor& x, Mode mode) override;
  std::vector<std::string> estimated() const override { return {"auxk"}; }  // the error is fixed
  bool rows_may_wait() const override { return ranks_by_parameters(); }
  /// A jumprelu with unit rows, where neither infer_k nor theta says otherwise.
  /// source: SAELens 6.54.12 (batchtopk_sae.py)
  std::optional<InferenceForm> inference_form() const override;

 protected:
  BatchSae(const std::string& type, const BatchForm& form, const Shape& shape, Init& init);
  /// The terms of the error, and what dead latents add; by default those of the whole dictionary.
  virtual Losses errors(const Pass& pass, const Step& step);
  virtual void add_terms_of_dead(Losses& losses, const Pass& pass, const Step& step) const;

 private:
  Tensor wide(double value) const;
  bool selects_by_norm() const override { return batch_.select_by_norm; }
  void follow(const Tensor& kept);

  const BatchForm batch_;
  Tensor threshold_, batches_;  // [] float64
};

}  // namespace facet
