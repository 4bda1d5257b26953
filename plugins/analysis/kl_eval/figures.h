// Sums become figures with their definitions.
#pragma once

#include <facet/analysis.h>

#include <string>
#include <vector>

#include "params.h"
#include "scores.h"

namespace facet::kl_eval {

/// What was compared: the passes of a Scores are the host by itself, then those of each site.
struct Layout {
  std::vector<std::string> names;  ///< of the passes of one site
  size_t sites = 1;                ///< figures are means over these
  bool guesses = false;            ///< tokens were masked
  Says says = Says::next;
  std::string how;  ///< "rows of blocks.2.out replaced by ...", ends definitions
};

/// Figures of params.figures, with bootstrap intervals over sequences; the ablations are baselines
/// of kl_token and ce_spliced.
std::vector<Figure> figures_of(const Scores& scores, const Layout& layout, const Params& params,
                               Rng rng);

/// Of one site: kl_token and ce.
double kl_token(const GroupSums& sums, size_t pass);
double ce_of(const GroupSums& sums, size_t pass);

}  // namespace facet::kl_eval
