// Optimiser: the parameters of an SAE with their gradients, each moved by its rule.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "facet/sae.h"
#include "facet/safetensors.h"
#include "train/update_rule.h"

namespace facet {

class Optimiser {
 public:
  /// Of a training of `steps` steps.
  Optimiser(const Sae& sae, const TrainParams& params, int64_t steps);

  /// Does nothing with train.keep_gradients.
  void clear_gradients();
  /// The norm of the whole gradient; `bad` names the first parameter whose gradient is not finite.
  double gradient_norm(std::string& bad) const;
  void scale_gradients(double factor);
  /// What `step`, from 0, multiplies gradients with.
  double lr(int64_t step) const;
  /// `step` counts from 0. A parameter without a gradient stays as it is.
  void step(int64_t step);
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
  };
  const TrainParams& params_;
  int64_t steps_;
  double largest_lr_;
  std::vector<Trained> trained_;
};

}  // namespace facet
