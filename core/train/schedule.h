// The learning rate over the steps.
#pragma once

#include <cstdint>

namespace facet {

struct TrainParams;

/// Factor on lr at `step` (from 0) of `steps`: (step + 1) / w while rising, 1, then (steps - step)
/// / w while falling, so that both ends are one stair away from 0.
double lr_factor(const TrainParams& params, int64_t step, int64_t steps);

}  // namespace facet
