// How each prompt goes on, with and without the edit.
#pragma once

#include <facet/analysis.h>
#include <facet/generate.h>

#include <cstdint>
#include <vector>

#include "doses.h"
#include "edits.h"
#include "prompts.h"

namespace intervene {

/// UserError when the host cannot generate, or the edit needs a pass of the host by itself first.
void check_continues(facet::HostModel& host, const Intervention& intervention);

/// The new ids of one prompt. Positions that move (`last`) need the whole text anew for each token,
/// so that an earlier token is seen as the host has it; others go through the cache.
std::vector<int64_t> continued(facet::HostModel& host, const Intervention& intervention,
                               const facet::Tokens& prompt, const std::vector<facet::Hook>& hooks,
                               const facet::GenerateParams& params, facet::Rng rng);

/// One row a prompt and dose, the same draws for all doses.
facet::Table continuations(facet::Context& context, Intervention& intervention,
                           const std::vector<Prompt>& prompts, const Plan& plan,
                           const facet::GenerateParams& params);

}  // namespace intervene
