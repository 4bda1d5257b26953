// Figures of the pairs, beside those of the random ones.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "facet/analysis.h"
#include "samples.h"

struct RandomPairs {
  std::string name;  ///< of the baseline
  Samples pairs;
};

/// Means over latents of each scope that has one, with bootstrap intervals over the latents.
///
/// form  corrected: a baseline has, in the place of each pair, the mean random pair of its
///       namespace; rep_saes: it is the mean of all random pairs of the scope.
std::vector<facet::Figure> mean_figures(const std::vector<LatentSums>& latents,
                                        const std::vector<RandomPairs>& random, Form form,
                                        int64_t resamples, facet::Rng rng);
