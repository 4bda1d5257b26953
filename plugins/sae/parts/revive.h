// Revival: dead latents begin anew as rows that come back badly.
#pragma once

#include "aux.h"

namespace facet {

/// Rows from which latents begin anew: what is coded [m, d_in] and what comes back [m, d_out].
struct ReviveRows {
  Tensor input, target;
  bool centred = true;  ///< rows are coded after b_dec was taken from them
};

/// Latent latents[i] [m] becomes row i: its row of W_dec the target less b_dec at norm 1, its
/// column of W_enc the row as it is coded at norm 1 times 0.2 of the mean norm of the other columns
/// (undefined, of tied weights: it is the row of W_dec), its b_enc 0.
///
/// source  Bricken et al. 2023, "Towards Monosemanticity", neuron resampling. Differs:
///         dictionary_learning 0.1.0 (trainers/standard.py) neither centres nor scales the row that
///         goes into W_enc.
void revive_latents(const Tensor& latents, const ReviveRows& rows, Dictionary w);

}  // namespace facet
