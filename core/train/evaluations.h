// Evaluations: what a training does between its steps that changes no weight: it is measured on
// held-out rows, the best SAE and those of chosen steps are kept, and it may end early.
#pragma once

#include <vector>

#include "train/best.h"

namespace facet {

/// Adds the fields of [train] that are for this.
Schema<TrainParams> with_evaluation_fields(Schema<TrainParams> schema);

/// The steps after which an SAE is kept: those of train.keep_at, and train.keep_checkpoints between
/// the start and the end, at i * steps / (keep_checkpoints + 1); ascending, each once.
///
/// throws  UserError when there are too few steps for them.
/// source  SAELens' n_checkpoints, which leaves the end to the finished SAE too.
std::vector<int64_t> kept_steps(const TrainParams& params, int64_t steps);

/// Of one training; saved and restored with its checkpoints.
class Evaluations {
 public:
  Evaluations(const TrainParams& params, const TrainHooks& hooks, int64_t steps);

  /// The SAE is measured or kept after this step.
  bool looks_after(int64_t step) const;
  /// There is an evaluation after this step.
  bool due(int64_t step) const;
  /// After a step: evaluates (into m.evaluated), keeps, and says whether the training goes on.
  bool after_step(StepMetrics& m, Sae& sae, const Normaliser& normaliser);
  /// A checkpoint with state() was saved.
  void checkpointed() const;
  EvaluationOutcome outcome(int64_t step) const;

  Value state() const;
  void restore(const Value& state);

 private:
  void evaluate_after(const StepMetrics& m, Sae& sae, const Normaliser& normaliser);

  const TrainParams& params_;
  const TrainHooks& hooks_;
  int64_t steps_;
  std::vector<int64_t> kept_;
  Best best_;
  EvaluationFigures last_;
  std::string ended_;
};

}  // namespace facet
