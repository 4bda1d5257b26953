// The normaliser of a stream that transcodes: one for its input, one for its target.
#pragma once

#include <memory>

#include "facet/normaliser.h"

namespace facet {

/// Of rows [n, points or 2 * points, d], the input first: `input` normalises the first `points`
/// hookpoints, `target` those behind them, if they are there. The statistics and invert() are the
/// target's. Where the input alone is given, invert() works for a target normaliser that treats all
/// rows alike (UserError for one that needs the row itself, as layer_norm does). fold() does
/// something only when both are "none", and then nothing. state() is {input, target}.
std::unique_ptr<Normaliser> with_target(std::unique_ptr<Normaliser> input,
                                        std::unique_ptr<Normaliser> target, int64_t points);

}  // namespace facet
