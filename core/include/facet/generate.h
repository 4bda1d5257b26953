// Generation: a causal host goes on with a text, token by token.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "facet/host.h"
#include "facet/rng.h"

namespace facet {

struct GenerateParams {
  int64_t max_tokens = 32;  ///< new ones of each sequence
  double temperature = 0;   ///< 0: the most likely token, of equals the lowest id
  double top_p = 1;         ///< draws among the fewest tokens that hold this share; in (0, 1]
  bool past_end = false;    ///< goes on after an id of HostInfo::ids.end
};

/// New ids of each sequence of `prompts` (an end id included). Hooks see the prompt, flagged
/// kPrompt beside its own flags, then each new token by itself. Sequences are drawn for one after
/// another from `rng`, so a prompt's text does not depend on those behind it.
/// UserError: the host cannot generate, or a prompt and max_tokens exceed its context.
/// source: nucleus sampling, Holtzman et al. 2020, arXiv:1904.09751, section 3.1.
std::vector<std::vector<int64_t>> generate(HostModel& host, const Tokens& prompts,
                                           std::span<const Hook> hooks,
                                           const GenerateParams& params, Rng& rng);

}  // namespace facet
