// Linear rise, plateau, linear fall.
#include "train/schedule.h"

#include <algorithm>
#include <cmath>

#include "train/trainer.h"

namespace facet {

namespace {

double stairs(double share, int64_t steps) {
  return std::round(share * static_cast<double>(steps));
}

}  // namespace

double lr_factor(const TrainParams& params, int64_t step, int64_t steps) {
  const double rise = stairs(params.warmup, steps), fall = stairs(params.decay, steps);
  const int64_t stair = params.warmup_from == "zero" ? step : step + 1;
  const double rising = rise > 0 ? static_cast<double>(stair) / rise : 1;
  const double falling = fall > 0 ? static_cast<double>(steps - step) / fall : 1;
  return std::min({1.0, rising, falling});
}

double sparsity_factor(const TrainParams& params, int64_t step, int64_t steps) {
  const double rise = stairs(params.sparsity_warmup, steps);
  return rise > 0 ? std::min(1.0, static_cast<double>(step) / rise) : 1;
}

}  // namespace facet
