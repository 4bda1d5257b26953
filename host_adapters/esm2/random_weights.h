// Weights that learnt nothing: a control for everything that is said of a trained model.
#pragma once

#include "weights.h"

namespace facet::esm2 {

/// Draws each tensor of the body and of the language model's head anew: normal, with the mean and
/// the standard deviation of the tensor it takes the place of. The same for the same seed,
/// whatever else is read. A head that is tied to the embedding stays so.
///
/// source  Heap, Lawson, Farnik and Aitchison 2025, arXiv:2501.17727 ("re-randomized, including
///         embeddings").
void draw_anew(Weights& weights, const Config& config, uint64_t seed);

}  // namespace facet::esm2
