// Which rows of a latent are shown: the strongest, and some of each quantile of its values.
#pragma once

#include <facet/plugin.h>

#include <vector>

struct QuantileParams {
  int64_t top = 5;           ///< strongest rows
  int64_t quantiles = 5;     ///< as many rows in each, but for one
  int64_t per_quantile = 3;  ///< drawn of each
};

/// One row that was chosen.
struct Chosen {
  int64_t index = 0;     ///< among the firing rows, the strongest first
  int64_t quantile = 0;  ///< 1 (weakest) to `quantiles`; 0: one of the strongest
};

/// Of `firing` rows that are sorted by value, the largest first: the `top` first ones, then, from
/// the strongest quantile to the weakest, a uniform draw without repetition of those rows that are
/// not among them; in each the strongest first. Quantile q has the rows firing * (quantiles - q) /
/// quantiles and on.
std::vector<Chosen> chosen_rows(int64_t firing, const QuantileParams& params, facet::Rng rng);
