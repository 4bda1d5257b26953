// The learning rate over the steps.
#pragma once

#include <cstdint>

namespace facet {

struct TrainParams;

/// Factor on lr at `step` (from 0) of `steps`: (step + 1) / w while rising, 1, then (steps - step)
/// / w while falling, so that both ends are one stair away from 0.
///
/// With warmup_from = "zero" the rise is step / w: the first step has a factor of 0.
double lr_factor(const TrainParams& params, int64_t step, int64_t steps);

/// Factor on the sparsity losses at `step`: step / w over the first w steps, then 1.
double sparsity_factor(const TrainParams& params, int64_t step, int64_t steps);

}  // namespace facet
