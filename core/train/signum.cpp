// Signum: the sign of the gradient, schedule-free.
#include <facet/torch.h>

#include <algorithm>

#include "train/trainer.h"
#include "train/update_rule.h"

namespace facet {
namespace {

class SignumRule final : public UpdateRule {
 public:
  SignumRule(const TrainParams& params, const Tensor& value)
      : momentum_(params.momentum),
        base_(value.detach().clone()),
        weights_(torch::zeros({2}, torch::kFloat64)) {}

  void step(Tensor& value, const Tensor& gradient, const Moment& now) override {
    if (now.step == 1) base_.copy_(value);  // start() and the first pass have moved it
    finish(value);
    base_.sub_(gradient.sign(), now.lr);
    value.lerp_(base_, newest_share(now.lr));
    value.lerp_(base_, 1 - momentum_);
  }
  void finish(Tensor& value) const override { value.lerp_(base_, 1 - 1 / momentum_); }
  bool changes_at_the_end() const override { return true; }
  void forget(const Tensor& value, int64_t axis, const Tensor& places) override {
    base_.index_copy_(axis, places, value.detach().index_select(axis, places));
  }
  NamedTensors state() const override { return {{"base", base_}, {"weights", weights_}}; }

 private:
  // Of the mean of the bases: the weight of this step over the sum of all weights.
  double newest_share(double lr) {
    double* weights = weights_.mutable_data_ptr<double>();
    double &largest = weights[0], &sum = weights[1];
    largest = std::max(largest, lr);
    sum += largest * largest;
    return sum > 0 ? largest * largest / sum : 0;
  }

  double momentum_;
  Tensor base_;     // z
  Tensor weights_;  // [2] on the CPU: the largest lr so far, the sum of weights
};

}  // namespace

std::unique_ptr<UpdateRule> signum_rule(const TrainParams& params, const Tensor& value) {
  return std::make_unique<SignumRule>(params, value);
}

}  // namespace facet
