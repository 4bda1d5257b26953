// DenseSae: one hookpoint, codes that are worked out for every latent of every row (relu,
// jumprelu), and the fields that such architectures have in common.
#pragma once

#include <string>

#include "decoder_norm.h"
#include "facet/sae.h"
#include "facet/schema.h"
#include "start.h"
#include "terms.h"

namespace facet {

struct DenseForm {
  int64_t d_sae = 0;
  std::string error = "mse";
  bool centre = true;
  std::string decoder_norm = "after_step";
  int64_t decoder_norm_every = 1;
  bool project_gradient = true;
  double decoder_init_norm = 1.0;
  std::string b_dec_start = "zero";
};

/// Adds the fields of DenseForm to the schema of P, which is derived from it.
template <class P>
Schema<P>& add_dense_fields(Schema<P>& schema) {
  const auto of = []<class T>(T DenseForm::*member) { return static_cast<T P::*>(member); };
  return schema.field("d_sae", of(&DenseForm::d_sae), "Number of latents.", required, at_least(1))
      .field("error", of(&DenseForm::error),
             "The error term: mse sums over the width, mse_by_element is its mean, nmse is a share "
             "of each row's energy, l2_loss is the mean length of the error.",
             one_of(error_words()))
      .field("centre", of(&DenseForm::centre), "Subtract b_dec before encoding.")
      .field("decoder_norm", of(&DenseForm::decoder_norm), "When rows of W_dec are set to norm 1.",
             one_of(decoder_norm_words()))
      .field("decoder_norm_every", of(&DenseForm::decoder_norm_every),
             "With decoder_norm = after_step: every so many steps.", at_least(1), unit("steps"))
      .field("project_gradient", of(&DenseForm::project_gradient),
             "Take from the gradient of each row of W_dec its part along the row.")
      .field("decoder_init_norm", of(&DenseForm::decoder_init_norm),
             "Norm of the rows of W_dec at the start.", above(0))
      .field("b_dec_start", of(&DenseForm::b_dec_start),
             "What b_dec is before the first step, from the first batch.", one_of(b_dec_words()));
}

/// W_enc [d, m] starts as W_dec [m, d] transposed, biases as 0.
class DenseSae : public PlainSae {
 public:
  void start(const Batch& first) override;
  /// Leaves the notes "input" [n, d], "pre" and "active" [n, m].
  Pass pass(const Batch& batch, Mode mode) override;
  Codes encode(const Tensor& x, Mode mode) override;
  Tensor decode(const Codes& codes) override;
  Tensor decoder(int64_t point) const override;
  void revive(const Tensor& latents, const Batch& batch) override;
  void after_backward() override;
  void after_step() override;
  /// When there is no weight but these and thresholds on pre-activations; an architecture with
  /// more, or whose codes are no function of pre-activations alone, says itself how.
  bool fold(const RowMap& map) override;

 protected:
  /// `type` is the architecture's name, for messages.
  DenseSae(const std::string& type, const DenseForm& form, const Shape& shape, Init& init);
  /// The codes of pre-activations, both [n, m].
  virtual Tensor active(const Tensor& pre, Mode mode) = 0;
  /// [m, d], what codes are multiplied with; W_dec unless overridden.
  virtual Tensor decoder_rows() const;
  /// [m]; b_enc unless overridden.
  virtual Tensor encoder_bias() const;
  /// The form's error term; to be called by losses().
  Loss error(const Pass& pass, const Step& step);

  const DenseForm form_;
  Tensor w_dec_, w_enc_, b_enc_, b_dec_;  // [m, d], [d, m], [m], [d]

 private:
  Tensor pre_activations(const Tensor& x) const;

  DecoderNorm norm_;
  int64_t step_ = 0;  // of the last losses()
};

}  // namespace facet
