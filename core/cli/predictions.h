// What an SAE in the place of its rows does to a host's predictions of one sequence.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "facet/splice.h"

namespace facet::cli {

/// Of one token: what the host says of the token after it (of the token itself, where the host is
/// not causal), by itself and with the SAE spliced in.
struct Prediction {
  bool known = false;                        ///< false: no token stands there
  double plain = 0, spliced = 0;             ///< probability of the token that stands there
  int64_t plain_best = 0, spliced_best = 0;  ///< ids of the likeliest
};

/// One for each token of the only sequence of `tokens`. Specials and pads keep the host's rows.
/// Reconstructions as default_splice_from() says. None for an SAE that mixes its hookpoints, of
/// which no row can be replaced (route with soft routing).
std::vector<Prediction> predictions(HostModel& host, Sae& sae, const Normaliser& normaliser,
                                    const Place& place, const Tokens& tokens);

}  // namespace facet::cli
