// Parts of parameters, whose gradients go where those of the whole go.
#include <facet/torch.h>
#include <torch/csrc/autograd/custom_function.h>

#include "facet/ops.h"
#include "tensor/waiting_rows.h"

namespace facet::ops {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::Function;
using torch::autograd::variable_list;

// [k, d] of latents on `axis` of w.
Tensor latent_rows(const Tensor& w, int64_t axis, const Tensor& latents) {
  return w.transpose(0, axis).index_select(0, latents);
}

class PartOf : public Function<PartOf> {
 public:
  static Tensor forward(AutogradContext* context, const Tensor& w, int64_t axis,
                        const Tensor& latents) {
    context->save_for_backward({w, latents});
    if (WaitingRows* waiting = HeldGradients::waiting(w))
      waiting->bring(latents.const_data_ptr<int64_t>(), latents.numel());
    context->saved_data["axis"] = axis;
    return latent_rows(w, axis, latents).transpose(0, axis);
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const variable_list saved = context->get_saved_variables();
    const int64_t axis = context->saved_data["axis"].toInt();
    const Tensor rows = gradients[0].transpose(0, axis);
    if (GradientRows* held = HeldGradients::of(saved[0])) {
      held->add(saved[1], rows);
      return variable_list(3);
    }
    const Tensor dense = at::zeros_like(saved[0]);
    dense.transpose(0, axis).index_copy_(0, saved[1], rows);
    return {dense, Tensor(), Tensor()};
  }
};

}  // namespace

Tensor part_of(const Tensor& w, int64_t axis, const Tensor& latents) {
  return PartOf::apply(w, axis, latents);
}

}  // namespace facet::ops
