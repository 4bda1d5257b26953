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

/// (x - shift) w + b; the gradient of the shift needs no product with g, but with its sum.
class Affine : public Function<Affine> {
 public:
  static Tensor forward(AutogradContext* context, const Tensor& x, const Tensor& w,
                        const std::optional<Tensor>& b, const std::optional<Tensor>& shift) {
    const Tensor rows = shift ? x - *shift : x;
    context->save_for_backward({rows, w});
    context->saved_data["bias"] = b.has_value();
    context->saved_data["shift"] = shift.has_value();
    return product(rows, w, b.value_or(Tensor()));
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const variable_list saved = context->get_saved_variables();
    const Tensor &rows = saved[0], &w = saved[1], g = gradients[0].contiguous();
    const auto wanted = [&](const char* key, size_t input) {
      return context->saved_data[key].toBool() && context->needs_input_grad(input);
    };
    const bool bias = wanted("bias", 2);
    const bool shift = wanted("shift", 2 + context->saved_data["bias"].toBool());
    variable_list out(4);
    if (context->needs_input_grad(0)) out[0] = product(g, w.t());
    if (context->needs_input_grad(1)) out[1] = product_of_transposed(rows, g);
    if (!bias && !shift) return out;
    const Tensor sum = g.sum(0);  // [m]
    if (bias) out[2] = sum;
    if (shift) out[3] = product(sum.unsqueeze(0), w.t()).squeeze(0).neg();
    return out;
  }
};

bool fits(const Tensor& x, const Tensor& w) {
  for (const Tensor& t : {x, w})
    if (!t.is_cpu() || t.scalar_type() != at::kFloat) return false;
  return !at::autocast::is_autocast_enabled(at::kCPU) && !PlainKernels::wanted();
}

}  // namespace

Tensor affine(const Tensor& x, const Tensor& w, const Tensor& b) {
  if (fits(x, w)) return Affine::apply(x, w, if_defined(b), std::optional<Tensor>());
  return b.defined() ? at::addmm(b, x, w) : at::mm(x, w);
}

Tensor pre_activations(const Tensor& x, const Tensor& w_enc, const Tensor& b_enc,
                       const Tensor& b_dec) {
  if (fits(x, w_enc)) return Affine::apply(x, w_enc, if_defined(b_enc), if_defined(b_dec));
  return affine(b_dec.defined() ? x - b_dec : x, w_enc, b_enc);
}

}  // namespace facet::ops
