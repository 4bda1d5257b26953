// Optimiser: the parameters of an SAE with their gradients, each moved by its rule.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "facet/sae.h"
#include "facet/safetensors.h"
#include "tensor/row_gradients.h"
#include "train/update_rule.h"

namespace facet {

class Optimiser {
 public:
  /// Of a training of `steps` steps.
  Optimiser(const Sae& sae, const TrainParams& params, int64_t steps);

  /// Where operations leave gradients row by row while it lives; nowhere when the SAE, the rule of
  /// its weights, train.kernels or train.keep_gradients wants whole gradients.
  HeldGradients::Scope collect() { return HeldGradients::Scope(rows_.get()); }
  /// After the backward pass: a weight that has rows and a whole gradient has a whole one.
  void settle_gradients();
  /// Does nothing with train.keep_gradients.
  void clear_gradients();
  /// The norm of the whole gradient; `bad` names the first parameter whose gradient is not finite.
  double gradient_norm(std::string& bad) const;
  void scale_gradients(double factor);
  /// What `step`, from 0, multiplies gradients with.
  double lr(int64_t step) const;
  /// `step` counts from 0. A parameter without a gradient stays as it is.
  void step(int64_t step);
  /// Before somebody else looks at the SAE's weights or changes them: rows that wait
  /// (Sae::rows_may_wait()) are worked out. The calls below do so by themselves.
  void hand_over() const;
  /// After the last step.
  void finish();

  /// Latents [m] int64 that begin anew have nothing to remember: columns of W_enc [d, d_sae], and
  /// rows of every other parameter but b_dec whose first axis has d_sae entries.
  void forget(const Tensor& latents, int64_t d_sae);
  /// Calls `look` while every parameter is what finish() would make of it; then each has its bits
  /// again.
  void as_finished(const std::function<void()>& look);

  /// "first/<param>" and so on: the state of each rule; with train.keep_gradients
  /// "gradient/<param>" too.
  NamedTensors tensors() const;
  void restore(const NamedTensors& tensors);

 private:
  struct Trained {
    std::string name;
    Tensor value;
    std::unique_ptr<UpdateRule> rule;
    int64_t axis = 0;              // of the latents
    GradientRows* rows = nullptr;  // of its gradient, where it is held row by row
    WaitingRows* waiting = nullptr;
  };
  void hold_rows(const Sae& sae);
  // What there is of it: whole, or its rows [r, d]; undefined: none.
  static Tensor gradient_of(const Trained& p);

  const TrainParams& params_;
  int64_t steps_;
  double largest_lr_;
  std::vector<Trained> trained_;
  std::unique_ptr<HeldGradients> rows_;
};

}  // namespace facet
