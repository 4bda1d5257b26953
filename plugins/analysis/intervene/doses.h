// Runs every prompt at every dose, and along random directions beside it.
#pragma once

#include <facet/analysis.h>

#include <optional>
#include <string>
#include <vector>

#include "edits.h"
#include "effect.h"
#include "prompts.h"

namespace intervene {

/// What is tried: `groups` of latents that are edited together, each at all of `amounts`.
struct Plan {
  std::vector<std::vector<int64_t>> groups;
  std::vector<double> amounts;
  int64_t controls = 0;
  std::vector<int64_t> watch, infill;
};
/// "148", "148 + 46".
std::string group_text(const std::vector<int64_t>& group);

/// One prompt at one dose.
struct Measured {
  size_t prompt = 0;
  size_t group = 0;   ///< of Plan::groups
  size_t amount = 0;  ///< of Plan::amounts
  Effect effect;
  std::vector<Effect> controls;      ///< one for each random direction
  std::vector<Guess> clean, edited;  ///< of infilled positions
};

/// Ordered by prompt, group, amount. A random direction is the same for all prompts and amounts of
/// a group: normal numbers from `context.rng("controls")`, made unit.
std::vector<Measured> measure(facet::Context& context, Intervention& intervention,
                              const std::vector<Prompt>& prompts, const Plan& plan);

/// Mean and the band that holds 95 % of some numbers, by linear interpolation.
struct Band {
  double mean = 0, low = 0, high = 0;
};
/// Nothing for none.
std::optional<Band> band_of(const std::vector<double>& values);

}  // namespace intervene
