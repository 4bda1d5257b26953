// Linear rise, plateau, linear fall.
#include "train/schedule.h"

#include <algorithm>
#include <cmath>

#include "train/trainer.h"

namespace facet {

double lr_factor(const TrainParams& params, int64_t step, int64_t steps) {
  const auto share = [&](double of) { return std::round(of * static_cast<double>(steps)); };
  const double rise = share(params.warmup), fall = share(params.decay);
  const double rising = rise > 0 ? static_cast<double>(step + 1) / rise : 1;
  const double falling = fall > 0 ? static_cast<double>(steps - step) / fall : 1;
  return std::min({1.0, rising, falling});
}

}  // namespace facet
