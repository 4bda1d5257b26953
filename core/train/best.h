// Best: which evaluation of a training was the best so far, and for how long there was no better.
#pragma once

#include <string>

#include "train/evaluation.h"
#include "train/trainer.h"

namespace facet {

class Best {
 public:
  explicit Best(const TrainParams& params);

  /// train.best names a figure.
  bool wanted() const { return !figure_.empty(); }
  /// Looks at the figure after a step: true when it is the best so far. A value that is not finite
  /// never is. UserError naming what there is when the step has no metric of this name.
  bool add(const EvaluationFigures& evaluated, const StepMetrics& m);
  /// UserError as add() has it, before there was an evaluation.
  void check(const StepMetrics& m) const;
  /// Why train.patience ends the training now; "" while it goes on.
  std::string ends() const;

  int64_t step() const { return step_; }  ///< 0: none yet
  double value() const { return value_; }
  const std::string& figure() const { return figure_; }

  Value state() const;
  void restore(const Value& state);

 private:
  bool better(double a, double b) const { return greatest_ ? a > b : a < b; }

  std::string figure_;
  bool greatest_;
  int64_t patience_;
  double delta_;
  int64_t step_ = 0;
  double value_ = 0;
  double reference_ = 0;  // the last value that was better by more than delta_
  int64_t waited_ = 0;    // evaluations since
};

/// What is wrong with train.best and train.best_is, in the words of a relation of the schema; ""
/// when nothing is.
std::string problem_of_best(const TrainParams& params);

}  // namespace facet
