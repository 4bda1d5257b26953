// AffineSae: one hookpoint, an affine encoder, an affine decoder, and the fields that architectures
// of this kind have in common.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "aux.h"
#include "decoder_norm.h"
#include "facet/sae.h"
#include "facet/schema.h"
#include "host_units.h"
#include "start.h"
#include "terms.h"

namespace facet {

/// "none" and the words that presets stand for.
std::vector<std::string> words_of(const std::map<std::string, Value>& presets);

struct AffineForm {
  int64_t d_sae = 0;
  std::string error = "mse";
  std::string error_in = "normalised";
  double error_coefficient = 1;
  bool centre = true;
  bool encoder_bias = true;
  bool decoder_bias = true;
  double b_enc_start = 0;
  bool b_enc_centred = false;
  bool tied = false;
  bool skip = false;
  bool centre_across = false;
  std::string decoder_start = "encoder";
  int64_t infer_k = 0;
  double theta = 0.0;
  std::string decoder_norm = "after_step";
  int64_t decoder_norm_every = 1;
  int64_t decoder_norm_first = 0;
  std::string decoder_norm_over = "rows";
  bool project_gradient = true;
  std::string encoder_start = "decoder";
  double decoder_init_norm = 1.0;
  std::string b_dec_start = "zero";
  std::string aux = "variance";
  double aux_coefficient = 0;
  int64_t k_aux = 0;
  double pre_act_coefficient = 0;
};

/// Adds the fields of AffineForm to the schema of P, which is derived from it.
template <class P>
Schema<P>& add_affine_fields(Schema<P>& schema) {
  const auto of = []<class T>(T AffineForm::*member) { return static_cast<T P::*>(member); };
  return schema.field("d_sae", of(&AffineForm::d_sae), "Number of latents.", required, at_least(1))
      .field("error", of(&AffineForm::error),
             "The error term: mse sums over the width, mse_by_element is its mean, nmse is a share "
             "of each row's energy, l2_loss is the mean length of the error, fvu is a share of the "
             "batch's variance, fvu_by_column the mean of such shares over the width.",
             one_of(error_words()))
      .field(
          "error_in", of(&AffineForm::error_in),
          "The units of the error: rows as the normaliser gives them, or as the host does, where "
          "each row was normalised by itself.",
          one_of(error_in_words()))
      .field("error_coefficient", of(&AffineForm::error_coefficient),
             "Weight of the error term, already inside the loss that is reported; 0: one over the "
             "variance of the first batch (Gao et al. 2024).",
             at_least(0))
      .field("centre", of(&AffineForm::centre), "Subtract b_dec before encoding.")
      .field("encoder_bias", of(&AffineForm::encoder_bias),
             "Add b_enc; the BatchTopK originals have none.")
      .field("decoder_bias", of(&AffineForm::decoder_bias),
             "Add b_dec; SAE_Helix_mRNA has none. Without it rows are not centred.")
      .field("b_enc_start", of(&AffineForm::b_enc_start), "What b_enc is before the first step.")
      .field("b_enc_centred", of(&AffineForm::b_enc_centred),
             "From b_enc_start takes the pre-activations of the mean row of the first batch "
             "(sparsify's transcoders).")
      .field("tied", of(&AffineForm::tied),
             "W_enc is W_dec transposed at every step, one parameter (SAE_Helix_mRNA).")
      .field("skip", of(&AffineForm::skip),
             "Add x W_skip^T to the reconstruction, W_skip being [d_out, d_in] and 0 at the start; "
             "where the target is of another hookpoint only (skip transcoders: Paulo et al. 2025, "
             "arXiv:2501.18823).")
      .field("centre_across", of(&AffineForm::centre_across),
             "Subtract b_dec before encoding even where the target is of another hookpoint "
             "(Rep_SAEs_PLMs).")
      .field("decoder_start", of(&AffineForm::decoder_start),
             "How W_dec starts: from W_enc as encoder_start says, or zero (sparsify's "
             "transcoders).",
             one_of(decoder_start_words()))
      .field("infer_k", of(&AffineForm::infer_k),
             "Latents kept per row once trained, the largest, whatever chose them in training; 0: "
             "as in training (RouteSAE's infer_k).",
             at_least(0))
      .field("theta", of(&AffineForm::theta),
             "Once trained, keep every activation above theta, whatever chose them in training; 0: "
             "as in training (RouteSAE's theta).",
             at_least(0))
      .check([](const P& p) { return p.infer_k == 0 || p.theta == 0; },
             "infer_k and theta exclude each other")
      .check([](const P& p) {
        return p.infer_k <= p.d_sae ? "" : "infer_k: " + exceeds(p.infer_k, "d_sae", p.d_sae);
      })
      .check([](const P& p) { return !p.tied || p.decoder_start == "encoder"; },
             "decoder_start: must be \"encoder\" with tied")
      .field("decoder_norm", of(&AffineForm::decoder_norm), "When rows of W_dec are set to norm 1.",
             one_of(decoder_norm_words()))
      .field("decoder_norm_every", of(&AffineForm::decoder_norm_every),
             "With decoder_norm = after_step: every so many steps.", at_least(1), unit("steps"))
      .field("decoder_norm_first", of(&AffineForm::decoder_norm_first),
             "With decoder_norm = after_step: the first of these steps, from 0. With turns of L "
             "hookpoints L - 1 is the last of the first batch (RouteSAE's MLSAE).",
             at_least(0), unit("steps"))
      .field("decoder_norm_over", of(&AffineForm::decoder_norm_over),
             "What of W_dec has norm 1 and is projected on: rows, one a latent, or columns, one a "
             "dimension of the host (InterProt).",
             one_of(decoder_norm_over_words()))
      .field("project_gradient", of(&AffineForm::project_gradient),
             "Take from the gradient of each row of W_dec its part along the row.")
      .field("encoder_start", of(&AffineForm::encoder_start),
             "How W_enc is drawn: as W_dec transposed, or uniform within 1/sqrt(width), "
             "1/sqrt(latents), sqrt(6/latents) or sqrt(6/(width + latents)), W_dec then being its "
             "transpose.",
             one_of(encoder_start_words()))
      .field("decoder_init_norm", of(&AffineForm::decoder_init_norm),
             "Norm of the rows of W_dec at the start; 0: as W_enc was drawn.", at_least(0))
      .check([](const P& p) { return p.decoder_init_norm > 0 || p.encoder_start != "decoder"; },
             "decoder_init_norm: must be above 0 with encoder_start = \"decoder\"")
      .field("b_dec_start", of(&AffineForm::b_dec_start),
             "What b_dec is before the first step, from the first batch (geometric median: Gao et "
             "al. 2024, appendix A.1).",
             one_of(b_dec_words()))
      .field(
          "aux", of(&AffineForm::aux),
          "The form of auxk, with which dead latents learn what the live ones leave over; ghost: "
          "ghost gradients.",
          one_of(aux_words()))
      .field("aux_coefficient", of(&AffineForm::aux_coefficient),
             "Weight of auxk, already inside the loss that is reported; 0 leaves it out (1/32 in "
             "Gao et al. 2024, appendix A.2).",
             at_least(0))
      .field("k_aux", of(&AffineForm::k_aux),
             "Dead latents per row in auxk; 0: half of d_in (Gao et al. 2024, appendix A.2, near "
             "d_in / 2).",
             at_least(0))
      .field("pre_act_coefficient", of(&AffineForm::pre_act_coefficient),
             "Weight of the term that pulls dead latents up to where they fire (SAELens); 0 leaves "
             "it out.",
             at_least(0));
}

/// W_enc [d_in, m] and W_dec [m, d_out] start as start_weights() says. Where the stream transcodes
/// (Shape::transcodes) rows are not centred, unless by centre_across, and W_skip [d_out, d_in] may
/// lead past the latents.
class AffineSae : public PlainSae {
 public:
  void start(const Batch& first) override;
  /// Leaves the notes "input" [n, d] and what units_of() reads.
  Pass pass(const Batch& batch, Mode mode) override;
  /// UserError of several hookpoints, unless overridden: which of them is coded is not known here.
  Tensor pre_activations(const Tensor& x) override;
  Tensor decode(const Codes& codes) override;
  Tensor decoder(int64_t point) const override;
  /// Of infer_k a topk, of theta a jumprelu, of tied weights the same untied where untied_form()
  /// knows how; nothing when the SAE is its own form.
  std::optional<InferenceForm> inference_form() const override;
  void revive(const Tensor& latents, const Batch& batch) override;
  /// When there is no weight but these and thresholds on pre-activations; an architecture with
  /// more, or whose codes are no function of pre-activations alone, says itself how.
  bool fold(const RowMap& map) override;
  bool row_gradients() const override;
  void after_backward() override;
  void after_step() override;

 protected:
  /// `type` is the architecture's name, for messages; `bias` the name of the encoder's bias.
  AffineSae(const std::string& type, const AffineForm& form, const Shape& shape, Init& init,
            const std::string& bias = "b_enc");
  /// Codes, output and notes of rows x [n, d].
  virtual Pass pass_rows(const Tensor& x, Mode mode);
  /// [m, d], what codes are multiplied with; W_dec unless overridden.
  virtual Tensor decoder_rows() const;
  /// [m], above which a latent fires; undefined: 0.
  virtual Tensor threshold() const;
  /// Codes are ranked by pre-activation times the norm of the row of W_dec.
  virtual bool selects_by_norm() const;
  /// Codes are ranked by the size of pre-activations, whatever their sign, and keep it.
  virtual bool ranks_by_magnitude() const;

  /// Whether W_enc is a parameter and ranks codes as it is.
  bool ranks_by_parameters() const;
  /// Whether inference is as in training, W_enc a parameter and the codes all there is, as
  /// saelens() needs.
  bool is_plain() const;
  /// Whether and how infer_k or theta choose codes: those of activations [n, m] when they do.
  bool infers_otherwise(Mode mode) const;
  Codes inferred(const Tensor& activations) const;
  /// The form of the same architecture without `tied`; nothing unless overridden.
  virtual std::optional<InferenceForm> untied_form() const;
  /// An SAE of type `type` with this dictionary: d_sae, and whether it centres and skips; W_dec,
  /// W_enc, b_enc and b_dec, norms of W_dec moved into the encoder where codes are ranked by them.
  InferenceForm plain_form(const std::string& type) const;
  /// SAELens' name of this architecture, "transcoder" and "skip" put into it.
  /// source: SAELens 6.54.12 (transcoder.py)
  std::string saelens_architecture(const std::string& plain) const;
  bool centres() const;
  /// [d, m]; of tied weights W_dec transposed.
  Tensor w_enc() const;

  /// What codes a row and decodes it; zeros for biases that the form leaves out.
  Dictionary dictionary() const;
  /// The same as codes are ranked by it: times the norm of the row of W_dec where that ranks them.
  Dictionary ranked() const;
  /// Of rows x [n, d]: [n, m].
  Tensor pre_activations_of(const Tensor& x) const;
  Tensor decoder_bias() const;
  /// What comes back of x [n, d_in] when no latent fires: b_dec, and what W_skip adds. [n, d_out]
  /// or [d_out]
  Tensor silent_output(const Tensor& x) const;
  /// The form's error term, first of the losses.
  Loss error(const Pass& pass, const Step& step);
  /// Adds the terms that only dead latents have.
  void add_dead_terms(Losses& losses, const Pass& pass, const Step& step) const;

  const AffineForm form_;
  const bool transcodes_;
  Tensor w_dec_;   // [m, d_out]
  Tensor b_enc_;   // [m]
  Tensor b_dec_;   // [d_out]
  Tensor w_skip_;  // [d_out, d_in]; undefined without `skip`

 private:
  AffineSae(const std::string& type, const AffineForm& form, const Shape& shape,
            const StartWeights& start, const std::string& bias);
  Pass in_units(const Pass& pass) const;

  DecoderNorm norm_;
  Tensor w_enc_;        // [d_in, m]; undefined when tied
  Tensor error_scale_;  // [] float32; only with error_coefficient = 0
  int64_t step_ = 0;    // of the last losses()
};

}  // namespace facet
