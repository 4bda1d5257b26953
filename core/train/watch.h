// Watch: what a person should know of a training while it runs, with advice, each once.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "train/trainer.h"

namespace facet {

class Watch {
 public:
  /// What to say after a step whose warm-ups are over; empty almost always.
  std::vector<std::string> look(const StepMetrics& m, int64_t d_sae);
  /// Whether there was a step to look at: shorter trainings, and those without a gradient, have
  /// none.
  bool looked() const { return steps_ > 0; }
  /// What to say at the end; `empty_rows`: rows of the decoder that are zero.
  std::vector<std::string> look_at_the_end(int64_t empty_rows, int64_t d_sae) const;

  /// What was said and the running mean of the loss: a resumed training says the same.
  Value state() const;
  void restore(const Value& state);

 private:
  bool first(const std::string& notice);

  std::set<std::string> said_;
  double mean_ = 0;
  int64_t steps_ = 0;
};

}  // namespace facet
