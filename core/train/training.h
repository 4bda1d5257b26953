// Training: one SAE on its way, step by step. It knows no architecture by name.
#pragma once

#include <deque>
#include <string>
#include <vector>

#include "base/sinks.h"
#include "tensor/screen.h"
#include "train/batches.h"
#include "train/evaluations.h"
#include "train/firing.h"
#include "train/optimiser.h"
#include "train/trainer.h"
#include "train/watch.h"

namespace facet {

/// All it is given must outlive it.
class Training {
 public:
  Training(Sae& sae, Normaliser& normaliser, Batches& batches, const TrainParams& params,
           int64_t steps, const TrainHooks& hooks);

  bool goes_on() const { return more_ && step_ < steps_; }
  bool more() const { return more_; }
  int64_t step() const { return step_; }
  const std::string& name() const { return hooks_.name; }

  /// Goes on from a checkpoint; false: there is none.
  bool restore();
  /// Begins anew; `like` (or nullptr) has looked at the same rows with a normaliser of the same
  /// kind.
  void begin(const Training* like);
  /// UserError when an epoch is shorter than a batch.
  void check_length() const;

  /// The next of its batches, raw.
  Rows next_rows();
  /// A step with these rows; what follows a step; on_step.
  void advance(const Rows& rows);
  void save(int64_t turn);
  /// After the last step.
  TrainOutcome finish();
  /// "stopped after step 3 of 10"
  std::string stopped() const;

 private:
  int64_t rows() const { return step_ * params_.batch; }
  std::string where() const;
  [[noreturn]] void refuse_epoch(int64_t rows) const;

  // What the metrics of a step are worked out from, over the parts of its batch.
  struct Sums {
    double loss = 0, fired = 0, coded = 0, dead = 0;
    std::vector<std::pair<std::string, double>> losses;
  };

  void take_step(const Rows& rows);
  // With precision = "bf16" matrix products are of bf16 numbers; what the losses see is float32.
  Pass forward(const Batch& batch) const;
  // A part of a batch on its way through the SAE.
  struct Taken {
    Batch batch;
    Pass pass;
    Losses of_host;    // of train.end_to_end
    double share = 1;  // of the step's rows
  };
  Taken take(const Rows& rows) const;
  // False when there is nothing to learn from.
  bool backward(const Taken& taken, Step& step, Sums& sums);
  Tensor weighted_sum(const Losses& losses, const Coefficients& coefficients) const;
  // One read from the device for each part of a batch.
  void add_metrics(const Tensor& total, const Losses& losses, const Pass& pass, double share,
                   Sums& sums) const;
  StepMetrics metrics_of_step(const Sums& sums) const;
  void check_finite(const Sums& sums, const Batch& batch, const Pass& pass) const;
  // What the SAE wants recorded, in its order.
  Value read_figures(const Pass& pass) const;
  void optimise();
  // A loss above skip_spikes times the mean of the losses before it teaches nothing. source:
  // OpenSAE, trainer/sae_trainer.py
  bool is_spike(double loss);
  // Not while the learning rate falls: latents that begin anew would have no time to learn.
  bool revives_after(int64_t step) const;
  // What revive() needs of the step's last rows.
  void keep_error(const Batch& batch, const Pass& pass);
  // Each dead latent begins anew from a row, drawn without replacement with a chance in proportion
  // to the length of its error. source: dictionary_learning 0.1.0, trainers/standard.py
  void revive();
  void say(const std::vector<std::string>& notices);
  void clip();
  bool is_recorded(int64_t step) const;
  // Losses and figures must not take a metric's name. "train.dense_rows" has how many of the rows
  // since the last record an encoder worked out whole, when there are any (Screen::counts).
  void record(Value figures);

  Sae& sae_;
  Normaliser& normaliser_;
  Batches& batches_;
  const TrainParams& params_;
  const TrainHooks& hooks_;
  NoSink no_events_;
  EventSink& events_;
  torch::Device device_;
  int64_t steps_;
  Optimiser optimiser_;
  Firing firing_;
  Evaluations evaluations_;
  Group group_;
  int64_t step_ = 0;  // done
  bool more_ = true;  // on_step has not ended it
  Watch watch_;
  Screen::Counts screened_;  // since the last record
  StepMetrics last_;
  Value state_{Value::Table()};
  std::deque<double> recent_;  // losses, of steps that were not skipped
  Tensor error_;               // [n] float64: of the rows that a revival draws from
  Batch seen_;                 // these rows
  Tensor last_rows_;           // of TrainOutcome
};

}  // namespace facet
