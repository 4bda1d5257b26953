// Both steps as autograd functions.
#include "jump.h"

#include <facet/torch.h>
#include <torch/csrc/autograd/custom_function.h>

namespace facet {
namespace {

using at::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::Function;
using torch::autograd::variable_list;

// 1 / bandwidth where x is within half a bandwidth of the threshold.
Tensor kernel(const Tensor& x, const Tensor& threshold, double bandwidth) {
  return (x - threshold).abs().lt(bandwidth / 2).to(x.scalar_type()) / bandwidth;
}

class Jump : public Function<Jump> {
 public:
  static Tensor forward(AutogradContext* context, const Tensor& pre, const Tensor& threshold,
                        double bandwidth) {
    context->save_for_backward({pre, threshold});
    context->saved_data["bandwidth"] = bandwidth;
    return pre * pre.gt(threshold);
  }
  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const variable_list saved = context->get_saved_variables();
    const Tensor &pre = saved[0], &threshold = saved[1], &g = gradients[0];
    const double bandwidth = context->saved_data["bandwidth"].toDouble();
    return {g * pre.gt(threshold), -threshold * (kernel(pre, threshold, bandwidth) * g).sum(0),
            Tensor()};
  }
};

class StepAbove : public Function<StepAbove> {
 public:
  static Tensor forward(AutogradContext* context, const Tensor& x, const Tensor& threshold,
                        double bandwidth) {
    context->save_for_backward({x, threshold});
    context->saved_data["bandwidth"] = bandwidth;
    return x.gt(threshold).to(x.scalar_type());
  }
  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const variable_list saved = context->get_saved_variables();
    const double bandwidth = context->saved_data["bandwidth"].toDouble();
    return {Tensor(), -(kernel(saved[0], saved[1], bandwidth) * gradients[0]).sum(0), Tensor()};
  }
};

}  // namespace

Tensor jump(const Tensor& pre, const Tensor& threshold, double bandwidth) {
  return Jump::apply(pre, threshold, bandwidth);
}

Tensor step_above(const Tensor& x, const Tensor& threshold, double bandwidth) {
  return StepAbove::apply(x, threshold, bandwidth);
}

}  // namespace facet
