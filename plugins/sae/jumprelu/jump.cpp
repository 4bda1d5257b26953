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
                        double bandwidth, bool to_input) {
    context->save_for_backward({pre, threshold});
    context->saved_data["bandwidth"] = bandwidth;
    context->saved_data["to_input"] = to_input;
    return pre * pre.gt(threshold);
  }
  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const variable_list saved = context->get_saved_variables();
    const Tensor &pre = saved[0], &threshold = saved[1], &g = gradients[0];
    const Tensor near = kernel(pre, threshold, context->saved_data["bandwidth"].toDouble()) * g;
    Tensor to_pre = g * pre.gt(threshold);
    if (context->saved_data["to_input"].toBool()) to_pre = to_pre + threshold * near;
    return {to_pre, -threshold * near.sum(0), Tensor(), Tensor()};
  }
};

class StepAbove : public Function<StepAbove> {
 public:
  static Tensor forward(AutogradContext* context, const Tensor& x, const Tensor& threshold,
                        double bandwidth, bool to_input) {
    context->save_for_backward({x, threshold});
    context->saved_data["bandwidth"] = bandwidth;
    context->saved_data["to_input"] = to_input;
    return x.gt(threshold).to(x.scalar_type());
  }
  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const variable_list saved = context->get_saved_variables();
    const double bandwidth = context->saved_data["bandwidth"].toDouble();
    const Tensor near = kernel(saved[0], saved[1], bandwidth) * gradients[0];
    return {context->saved_data["to_input"].toBool() ? near : Tensor(), -near.sum(0), Tensor(),
            Tensor()};
  }
};

}  // namespace

Tensor jump(const Tensor& pre, const Tensor& threshold, double bandwidth, Reach reach) {
  return Jump::apply(pre, threshold, bandwidth, reach == Reach::input_too);
}

Tensor step_above(const Tensor& x, const Tensor& threshold, double bandwidth, Reach reach) {
  return StepAbove::apply(x, threshold, bandwidth, reach == Reach::input_too);
}

}  // namespace facet
