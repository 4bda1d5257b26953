// The working versions of affine and pre_activations.
#include <ATen/autocast_mode.h>
#include <facet/torch.h>
#include <torch/csrc/autograd/custom_function.h>

#include <optional>

#include "facet/ops.h"
#include "tensor/by_latent.h"
#include "tensor/plain_kernels.h"
#include "tensor/products.h"

namespace facet::ops {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::Function;
using torch::autograd::variable_list;

class Affine : public Function<Affine> {
 public:
  static Tensor forward(AutogradContext* context, const Tensor& x, const Tensor& w,
                        const std::optional<Tensor>& b) {
    context->save_for_backward({x, w});
    context->saved_data["bias"] = b.has_value();
    return product(x, w, b.value_or(Tensor()));
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const variable_list saved = context->get_saved_variables();
    const Tensor g = gradients[0].contiguous();
    variable_list out(3);
    if (context->needs_input_grad(0)) out[0] = product(g, saved[1].t());
    if (context->needs_input_grad(1)) out[1] = product_of_transposed(saved[0], g);
    if (context->saved_data["bias"].toBool() && context->needs_input_grad(2)) out[2] = g.sum(0);
    return out;
  }
};

}  // namespace

Tensor affine(const Tensor& x, const Tensor& w, const Tensor& b) {
  const auto fits = [](const Tensor& t) { return t.is_cpu() && t.scalar_type() == at::kFloat; };
  if (fits(x) && fits(w) && !at::autocast::is_autocast_enabled(at::kCPU) && !PlainKernels::wanted())
    return Affine::apply(x, w, if_defined(b));
  return b.defined() ? at::addmm(b, x, w) : at::mm(x, w);
}

Tensor pre_activations(const Tensor& x, const Tensor& w_enc, const Tensor& b_enc,
                       const Tensor& b_dec) {
  return affine(b_dec.defined() ? x - b_dec : x, w_enc, b_enc);
}

}  // namespace facet::ops
