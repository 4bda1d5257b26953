// AuxK: dead latents learn what the live ones leave over.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "facet/sae.h"

namespace facet {

/// With e = target - output, ê what the k strongest dead latents of each row decode to (no b_dec):
///
/// variance  mean over rows of |e - ê|^2 over that of |e - mean e|^2, e held constant; the
///           strongest after ReLU (dictionary_learning 0.1.0, trainers/top_k.py; Gao et al. 2024,
///           appendix A.2). Differs: an error without variance gives 0, not only NaN.
/// scaled    min(dead latents / k, 1) times the mean over rows of |e - ê|^2, e held constant;
///           without ReLU (SAELens 6.54, topk_sae.py)
/// attached  mean over rows and width of (e - ê)^2, which also moves e; after ReLU (BatchTopK
///           originals b9aab1c, sae.py)
std::vector<std::string> aux_words();

struct AuxForm {
  std::string form = "variance";
  double coefficient = 1.0 / 32;
  int64_t k = 0;         ///< 0: half of d, at least 1
  bool by_norm = false;  ///< scaled: rank by pre-activation times the norm of the row of W_dec
};

/// The weights that code a row x and decode it; b_dec undefined: rows are not centred.
struct Dictionary {
  Tensor w_enc, b_enc, b_dec, w_dec;
};

/// The term "auxk" with its coefficient; nothing while no latent is dead. x and error [n, d].
/// Only the weights of dead latents are gathered.
std::optional<Loss> aux_term(const AuxForm& form, const Dictionary& w, const Tensor& x,
                             const Tensor& error, const Step& step);

}  // namespace facet
