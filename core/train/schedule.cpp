// Linear rise, plateau or cosines, linear fall.
#include "train/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "train/trainer.h"

namespace facet {
namespace {

double stairs(double share, int64_t steps) {
  return std::round(share * static_cast<double>(steps));
}

// Factor between rise and fall, of which the share `done` is over.
double plateau(const TrainParams& params, double done) {
  if (params.schedule != "cosine" || done < 0) return 1;
  if (done >= 1) return params.lr_end;
  const double cycles = done * static_cast<double>(params.lr_cycles);
  const double within = cycles - std::floor(cycles);
  return params.lr_end + (1 - params.lr_end) * (1 + std::cos(std::numbers::pi * within)) / 2;
}

// How often the schedule moves on in so many steps, begun ones included.
int64_t moves_of(const TrainParams& params, int64_t steps) {
  return (steps + params.steps_per_schedule - 1) / params.steps_per_schedule;
}

// Steps of the rise or fall that takes up a share of the training.
double steps_of_share(const TrainParams& params, double share, int64_t steps) {
  return stairs(share, moves_of(params, steps)) * static_cast<double>(params.steps_per_schedule);
}

}  // namespace

double lr_factor(const TrainParams& params, int64_t step, int64_t steps) {
  const int64_t moves = moves_of(params, steps), moved = step / params.steps_per_schedule;
  const double rise = stairs(params.warmup, moves), fall = stairs(params.decay, moves);
  const int64_t since = params.revive_every > 0 && step < steps - falling_steps(params, steps)
                            ? step % params.revive_every / params.steps_per_schedule
                            : moved;
  const int64_t stair = params.warmup_from == "zero" ? since : since + 1;
  const double rising = rise > 0 ? static_cast<double>(stair) / rise : 1;
  const double falling = fall > 0 ? static_cast<double>(moves - moved) / fall : 1;
  const double between = static_cast<double>(moves) - rise - fall;
  const double done = between > 0 ? (static_cast<double>(moved) - rise) / between : 1;
  return std::min(rising, 1.0) * plateau(params, done) * std::min(falling, 1.0);
}

int64_t falling_steps(const TrainParams& params, int64_t steps) {
  return static_cast<int64_t>(steps_of_share(params, params.decay, steps));
}

double vector_lr_factor(const TrainParams& params, int64_t step, int64_t steps) {
  TrainParams own = params;
  own.warmup = params.vector_warmup;
  own.warmup_from = "zero";
  own.decay = std::min(params.decay, 1 - params.vector_warmup);
  return lr_factor(own, step, steps);
}

double lr_scale(const TrainParams& params, int64_t d_sae) {
  constexpr double kLatents = 16384;
  return params.lr_scale == "latents" ? std::sqrt(kLatents / static_cast<double>(d_sae)) : 1;
}

bool warmed_up(const TrainParams& params, int64_t step, int64_t steps) {
  return static_cast<double>(step) >
         std::max(steps_of_share(params, params.warmup, steps),
                  steps_of_share(params, params.sparsity_warmup, steps));
}

double sparsity_factor(const TrainParams& params, int64_t step, int64_t steps) {
  const double rise = stairs(params.sparsity_warmup, moves_of(params, steps));
  const int64_t moved = step / params.steps_per_schedule;
  return rise > 0 ? std::min(1.0, static_cast<double>(moved) / rise) : 1;
}

}  // namespace facet
