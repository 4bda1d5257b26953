// Which tokens a masked language model is made to guess.
#pragma once

#include <facet/data.h>
#include <facet/host.h>
#include <facet/rng.h>

#include "params.h"

namespace facet::kl_eval {

/// Chooses tokens of `tokens` (one sequence) to be guessed: [t] bool.
///
/// A column of the record lists them where params.masked_column says so ("4 7 15", from 0, the
/// host's specials counted); else params.masked of the content tokens are drawn, at least one of
/// them. UserError "kl_eval.masked_column: record ...": no such column, no such token, or one that
/// is no content.
Tensor chosen_to_guess(const Tokens& tokens, const Record& record, const Params& params, Rng& rng);

}  // namespace facet::kl_eval
