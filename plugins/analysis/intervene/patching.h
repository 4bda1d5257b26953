// Attribution patching: what each latent at each token does to a difference of logits.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "one_hookpoint.h"

namespace intervene {

/// What is measured: logit[answer] - logit[other] at one position.
struct Metric {
  int64_t position = 0;
  int64_t answer = 0, other = 0;  ///< vocabulary ids
};

struct PatchingHow {
  int64_t steps = 10;  ///< of the path of `integrated`
  int64_t exact = 50;  ///< latents at tokens, and all residuals, whose effect is also measured
  int64_t whole = 5;   ///< latents that are also patched at all tokens at once
};

/// Effects on the metric of bringing one thing from its clean to its patched value.
struct Effects {
  double attrib = 0;            ///< (patch - clean) * gradient at the clean state
  double integrated = 0;        ///< (patch - clean) * mean gradient on the way of everything, left
                                ///< Riemann sum: at 0, 1/steps, ... (steps - 1)/steps
  std::optional<double> exact;  ///< metric with that alone patched, less the clean metric
};

struct LatentEntry {
  int64_t position = 0, latent = 0;
  double clean = 0, patch = 0, gradient = 0;
  Effects effects;
};

struct WholeLatent {
  int64_t latent = 0;
  double attrib = 0;  ///< summed over tokens
  double exact = 0;   ///< of all tokens at once
};

struct Patched {
  double clean = 0;                   ///< the metric
  std::optional<double> patch;        ///< the metric of the patch prompt, where there is one
  std::vector<LatentEntry> latents;   ///< where clean and patch differ, by position and latent
  std::vector<Effects> residuals;     ///< of what the SAE leaves over at each token
  std::vector<WholeLatent> whole;     ///< of largest sum of |attrib|, first
  double attrib = 0, integrated = 0;  ///< sums over latents and residuals
};

/// The row h of each token is decode(z) + r; latents z and the residual r are patched, with the
/// clean run's figures of the normaliser. Gradients go through neither the encoder nor r.
///
/// patch    of as many tokens; nothing: zeros for z and r
/// source   Syed et al. 2023, arXiv:2310.10348; feature-circuits (Marks et al. 2024),
/// attribution.py
Patched patch_effects(facet::HostModel& host, facet::Sae& sae, const facet::Normaliser& normaliser,
                      const facet::Place& place, const facet::Tokens& clean,
                      const std::optional<facet::Tokens>& patch, const Metric& metric,
                      const PatchingHow& how);

}  // namespace intervene
