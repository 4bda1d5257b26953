// How much of a known dictionary an SAE has found.
#pragma once

#include <facet/sae.h>

/// Mean |cosine| between the decoder rows of all latents and the true features under the best
/// one-to-one pairing; min(d_sae, features) pairs are made.
///
/// dictionary  [features, d] float32, in the units in which the SAE works.
/// source      SAELens 6.54, synthetic benchmark.
double mean_matched_cosine(const facet::Sae& sae, const facet::Tensor& dictionary);
