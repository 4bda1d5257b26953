// Adam and AdamW: two moments a parameter.
#include <facet/torch.h>

#include "tensor/row_updates.h"
#include "tensor/waiting_rows.h"
#include "train/trainer.h"
#include "train/update_rule.h"

namespace facet {
namespace {

class AdamRule final : public UpdateRule {
 public:
  AdamRule(const TrainParams& params, const Tensor& value, AdamRate rate)
      : adam_{params.lr, params.beta1, params.beta2, params.eps,
              rate == AdamRate::all ? params.weight_decay : 0.0},
        rate_(rate),
        first_(torch::zeros_like(value.detach())),
        second_(first_.clone()) {}

  void step(Tensor& value, const Tensor& gradient, const Moment& now) override {
    ops::adam_step(value, gradient, first_, second_, now.step, at(now));
  }
  bool takes_rows() const override { return true; }
  void step_rows(Tensor& value, int64_t axis, const GradientRows& gradient,
                 const Moment& now) override {
    ops::adam_step(value, axis, gradient, first_, second_, now.step, at(now));
  }
  std::unique_ptr<WaitingRows> waiting_rows(const Tensor& value, int64_t axis) const override {
    return std::make_unique<WaitingRows>(value, axis, first_, second_);
  }
  NamedTensors state() const override { return {{"first", first_}, {"second", second_}}; }

 private:
  const ops::Adam& at(const Moment& now) {
    adam_.lr = rate_ == AdamRate::all ? now.lr : now.vector_lr;
    return adam_;
  }

  ops::Adam adam_;
  AdamRate rate_;
  Tensor first_, second_;
};

}  // namespace

std::unique_ptr<UpdateRule> adam_rule(const TrainParams& params, const Tensor& value,
                                      AdamRate rate) {
  return std::make_unique<AdamRule>(params, value, rate);
}

}  // namespace facet
