// The terms that only dead latents have: AuxK, with which they learn what the live ones leave over,
// ghost gradients, and the pull on their pre-activations.
#pragma once

#include <string>
#include <vector>

#include "facet/sae.h"
#include "host_units.h"

namespace facet {

/// With e = target - output, ê what the k strongest dead latents of each row decode to after ReLU,
/// b_dec not added, and s = min(dead latents / k, 1):
///
/// variance   mean over rows of |e - ê|^2 over that of |e - mean e|^2, e held constant
///            (dictionary_learning 0.1.0, trainers/top_k.py; Gao et al. 2024, appendix A.2).
///            Differs: an error without variance gives 0, not only NaN.
/// openai     the same, but b_dec is added to both e and ê and is held constant in e only, so that
///            it learns (sparse_autoencoder 4965b941, train.py)
/// scaled     s times the mean over rows of |e - ê|^2, e held constant; ê without ReLU (SAELens
///            6.54, topk_sae.py)
/// attached   mean over rows and width of (e - ê)^2, which also moves e (BatchTopK originals
///            b9aab1c, sae.py)
/// interprot  attached, with b_dec added to ê (InterProt 287c373, sae_model.py)
/// rep_saes   interprot times s (Rep_SAEs_PLMs de2b02f, sparse_auto_script.py)
/// opensae    s times the mean over the width of the sum over rows of (e + ê)^2, as a share of that
///            column's variance as in fvu_by_column, e not constant and b_dec added to ê: the sign
///            is the program's (OpenSAE 978f094, modeling_open_sae.py)
/// sparsify   s times the sum of (e - ê)^2 over the variance of the batch, e held constant; the
///            encoder learns nothing from it (eai-sparsify 1.3.3, fused_encoder.py)
/// ghost      exp of the pre-activations of all dead latents, decoded and scaled to half of |e|,
///            against e held constant, scaled by a constant to the size of the error itself
///            (Jermyn and Templeton, Circuits Updates January 2024; SAELens 3, training_sae.py)
///
/// In the host's units ê is what it adds to a row there; where b_dec is added, so is the row's
/// mean.
std::vector<std::string> aux_words();

struct AuxForm {
  std::string form = "variance";
  double coefficient = 1.0 / 32;
  int64_t k = 0;              ///< 0: half of d, at least 1
  bool by_norm = false;       ///< scaled: rank by pre-activation times the norm of the row of W_dec
  bool by_magnitude = false;  ///< rank by |pre-activation|, and no ReLU in any form (SAELens 6.54,
                              ///< abstopk_sae.py)
};

/// The weights that code a row x and decode it; b_dec undefined: rows are not centred.
struct Dictionary {
  Tensor w_enc, b_enc, b_dec, w_dec;
};
/// The same of the latents `dead` [k] int64 alone.
Dictionary dead_part(const Dictionary& w, const Tensor& dead);

/// What a pass said of its rows.
struct AuxRows {
  Tensor x;               ///< [n, d], what was coded
  Tensor output, target;  ///< [n, 1, d], in the units of the error
  Tensor b_dec;           ///< [d], what the decoder adds
  HostUnits units;
};

/// The term "auxk" ("ghost" of that form) with its coefficient; `dead` has at least one latent.
Loss aux_term(const AuxForm& form, const Dictionary& dead, const AuxRows& rows, const Step& step);

/// The term "pre_act": coefficient times the mean over rows of the sum over dead latents of
/// ReLU(threshold - pre-activation) times the norm of their row of W_dec. threshold [dead], or
/// undefined for 0. source: SAELens 6.54, jumprelu_sae.py
Loss pre_act_term(double coefficient, const Dictionary& dead, const Tensor& threshold,
                  const Tensor& x, const Step& step);

}  // namespace facet
