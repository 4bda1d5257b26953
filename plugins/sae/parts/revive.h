// Revival: dead latents begin anew as rows that come back badly.
#pragma once

#include "facet/sae.h"

namespace facet {

/// Latent latents[i] [m] becomes row i of x [m, d]: its row of W_dec the centred row at norm 1, its
/// column of W_enc the same times 0.2 of the mean norm of the other columns, its b_enc 0.
///
/// source  Bricken et al. 2023, "Towards Monosemanticity", neuron resampling. Differs:
///         dictionary_learning 0.1.0 (trainers/standard.py) neither centres nor scales the row that
///         goes into W_enc.
void revive_latents(const Tensor& latents, const Tensor& x, Tensor& w_enc, Tensor& b_enc,
                    const Tensor& b_dec, Tensor& w_dec);

}  // namespace facet
