// The tests of all latents, over one population or over one for each namespace.
#pragma once

#include <functional>
#include <vector>

#include "input.h"

/// A latent and what its tests gave.
struct LatentTests {
  std::vector<Genes::Valued> genes;   ///< its set, values descending
  int64_t tested = 0;                 ///< terms; 0: the latent was not tested
  std::vector<facet::TermTest> rows;  ///< the significant ones, ascending by p
};

/// One entry a latent. breathe: how many are done, of how many.
std::vector<LatentTests> test_latents(const facet::CodesReader& codes, const Genes& genes,
                                      const Input& input, const GoParams& params, uint64_t seed,
                                      const std::function<void(int64_t, int64_t)>& breathe);

/// Latents that still have an enriched term when genes change places at random within classes of
/// length.
int64_t enriched_by_chance(const std::vector<LatentTests>& latents, const Input& input,
                           const GoParams& params, facet::Rng rng,
                           const std::function<void(int64_t, int64_t)>& breathe);

/// Latents with an enriched term.
int64_t enriched_latents(const std::vector<LatentTests>& latents);
