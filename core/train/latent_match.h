// Which latents of two SAEs correspond, by the directions that they write and read.
#pragma once

#include <vector>

#include "facet/sae.h"

namespace facet {

/// The directions of an SAE's latents.
struct LatentDirections {
  Tensor decoder;  ///< [d_sae, points_out * d_out]: what it writes, hookpoints side by side
  Tensor encoder;  ///< [d_sae, d_in]; undefined unless there is a parameter W_enc of two axes
};
LatentDirections directions_of(const Sae& sae, const Shape& shape);

/// One pair of a one-to-one matching, with cosines of its directions.
struct LatentPair {
  int64_t a = 0, b = 0;
  double decoder = 0;
  double encoder = 0;  ///< NaN where an encoder is not known, or their widths differ
};

struct LatentMatch {
  std::vector<double> a_in_b;  ///< [d_sae of a] cosine of each latent's row with the nearest of b
  std::vector<double> b_in_a;
  std::vector<LatentPair> pairs;  ///< by a
  bool best = true;               ///< else greedy: the pair of the largest |cosine| first
};

/// Compares the latents of a and b, whose decoders have one width. Pairs are chosen by |cosine| of
/// decoder rows: so that the sum is largest where d_sae of a times that of b is at most
/// `most_scores`, else greedily. A row of zeros has cosine 0 with everything and no partner. Ties
/// go to the lowest latents.
///
/// memory  one block of cosines, 1024 rows by d_sae; `most_scores` float64 three times for the
///         best pairing
inline constexpr int64_t kMostScores = int64_t{1} << 24;  // 4096 x 4096
LatentMatch match_latents(const LatentDirections& a, const LatentDirections& b,
                          int64_t most_scores = kMostScores);

}  // namespace facet
