// The learning rate over the steps.
#pragma once

#include <cstdint>

namespace facet {

struct TrainParams;

/// Factor on lr at `step` (from 0) of `steps`: (step + 1) / w while rising, 1, then (steps - step)
/// / w while falling, so that both ends are one stair away from 0.
///
/// With schedule = "cosine" the plateau falls from 1 to e = lr_end, e + (1 - e) (1 + cos(pi t)) / 2
/// with t from 0 to 1 in each of lr_cycles (Loshchilov and Hutter 2017, arXiv:1608.03983, eq. 5),
/// and the fall begins at e.
///
/// With steps_per_schedule = n the schedule is that of steps / n, rounded up, and n steps in a row
/// share a factor. This holds for all of these.
///
/// With revive_every it rises again after each revival.
/// With warmup_from = "zero" the rise is step / w: the first step has a factor of 0.
double lr_factor(const TrainParams& params, int64_t step, int64_t steps);

/// Steps at the end over which the learning rate falls.
int64_t falling_steps(const TrainParams& params, int64_t steps);
/// lr_factor for what is not a matrix, with train.optimiser = "muon": it rises from 0 over
/// vector_warmup and begins to fall there if it would have fallen before.
/// source: eai-sparsify 1.3.3, trainer.py, where biases have a schedule of their own
double vector_lr_factor(const TrainParams& params, int64_t step, int64_t steps);
/// Factor on lr that depends on the SAE: sqrt(2^14 / d_sae) with lr_scale = "latents".
/// source: Gao et al. 2024, arXiv:2406.04093, figure 3, as dictionary_learning and sparsify read it
double lr_scale(const TrainParams& params, int64_t d_sae);

/// The rises of the learning rate and of the sparsity losses are over after `step` steps.
bool warmed_up(const TrainParams& params, int64_t step, int64_t steps);
/// Factor on the sparsity losses at `step`: step / w over the first w steps, then 1.
double sparsity_factor(const TrainParams& params, int64_t step, int64_t steps);

}  // namespace facet
