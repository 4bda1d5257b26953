// Adam and AdamW: two moments a parameter.
#include <facet/torch.h>

#include "facet/ops.h"
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
    adam_.lr = rate_ == AdamRate::all ? now.lr : now.vector_lr;
    ops::adam_step(value, gradient, first_, second_, now.step, adam_);
  }
  NamedTensors state() const override { return {{"first", first_}, {"second", second_}}; }

 private:
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
