// The working version of decode.
#include <ATen/Parallel.h>
#include <facet/torch.h>
#include <torch/csrc/autograd/custom_function.h>

#include <optional>
#include <vector>

#include "facet/error.h"
#include "facet/ops.h"
#include "tensor/by_latent.h"
#include "tensor/elsewhere.h"
#include "tensor/on_gpu.h"
#include "tensor/vectors.h"
#include "tensor/waiting_rows.h"

namespace facet::ops {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::Function;
using torch::autograd::variable_list;

Codes assembled(const Tensor& start, const Tensor& latent, const Tensor& value, int64_t d_sae) {
  Codes codes;
  codes.start = start;
  codes.latent = latent;
  codes.value = value;
  codes.d_sae = d_sae;
  return codes;
}

/// Calls body(row, its first entry, the rows of w_dec [m, d] of its entries) for each row, on all
/// threads.
template <class Body>
void for_each_row(const Codes& codes, const Tensor& w_dec, const Body& body) {
  const int64_t* start = codes.start.const_data_ptr<int64_t>();
  const int32_t* latent = codes.latent.const_data_ptr<int32_t>();
  const float* weights = w_dec.const_data_ptr<float>();
  const int64_t d = w_dec.size(1);
  at::parallel_for(0, codes.rows(), 1, [&](int64_t begin, int64_t end) {
    std::vector<const float*> rows;
    for (int64_t i = begin; i < end; ++i) {
      rows.clear();
      for (int64_t e = start[i]; e < start[i + 1]; ++e) rows.push_back(weights + latent[e] * d);
      body(i, start[i], rows);
    }
  });
}

Tensor weighted_sums(const Codes& codes, const Tensor& w_dec, const Tensor& b_dec) {
  if (on_gpu::serves(w_dec)) return on_gpu::decode(codes, w_dec, b_dec);
  const int64_t d = w_dec.size(1);
  const Tensor out = at::zeros({codes.rows(), d}, w_dec.options());  // [n, d]
  const float* value = codes.value.const_data_ptr<float>();
  const float* bias = b_dec.defined() ? b_dec.const_data_ptr<float>() : nullptr;
  float* sums = out.mutable_data_ptr<float>();
  for_each_row(codes, w_dec, [&](int64_t i, int64_t begin, const std::vector<const float*>& rows) {
    vectors::add_all_scaled(value + begin, rows.data(), static_cast<int64_t>(rows.size()), nullptr,
                            sums + i * d, d);
    if (bias) vectors::add_scaled(1.0f, bias, sums + i * d, d);
  });
  return out;
}

/// The gradient of each entry's value: its decoder row times the gradient of its row.
Tensor value_gradient(const Codes& codes, const Tensor& gradient, const Tensor& w_dec) {
  if (on_gpu::serves(w_dec)) return on_gpu::dots(codes, gradient, w_dec);
  const int64_t d = w_dec.size(1);
  const Tensor out = at::empty({codes.nonzeros()}, gradient.options());
  const float* of = gradient.const_data_ptr<float>();
  float* dots = out.mutable_data_ptr<float>();
  for_each_row(codes, w_dec, [&](int64_t i, int64_t begin, const std::vector<const float*>& rows) {
    vectors::dots(of + i * d, rows.data(), static_cast<int64_t>(rows.size()), d, dots + begin);
  });
  return out;
}

/// The gradient of w_dec; undefined where it is held row by row.
Tensor weight_gradient(const Codes& codes, const Tensor& gradient, const Tensor& w_dec) {
  if (on_gpu::serves(w_dec))
    return on_gpu::EntriesByLatent(codes).sum_rows(codes.value, gradient, Tensor());
  const float* value = codes.value.const_data_ptr<float>();
  GradientRows* rows = HeldGradients::of(w_dec);
  if (!rows) return sum_rows_by_latent(ByLatent(codes), value, gradient, Tensor());
  rows->add(ByLatent(codes), value, gradient, Tensor());
  return {};
}

class Decode : public Function<Decode> {
 public:
  static Tensor forward(AutogradContext* context, const Tensor& start, const Tensor& latent,
                        const Tensor& value, const Tensor& w_dec,
                        const std::optional<Tensor>& b_dec) {
    if (WaitingRows* waiting = HeldGradients::waiting(w_dec))
      waiting->bring(latent.const_data_ptr<int32_t>(), latent.numel());
    const Tensor weights = w_dec.contiguous();
    const Tensor entries = value.contiguous();
    const Tensor bias = b_dec ? b_dec->contiguous() : Tensor();
    context->saved_data["bias"] = b_dec.has_value();
    context->save_for_backward({start, latent, entries, weights});
    return weighted_sums(assembled(start, latent, entries, w_dec.size(0)), weights, bias);
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const variable_list saved = context->get_saved_variables();
    const Tensor gradient = gradients[0].contiguous();
    const Codes codes = assembled(saved[0], saved[1], saved[2], saved[3].size(0));
    variable_list out(5);
    if (context->needs_input_grad(2)) out[2] = value_gradient(codes, gradient, saved[3]);
    if (context->needs_input_grad(3)) out[3] = weight_gradient(codes, gradient, saved[3]);
    if (context->saved_data["bias"].toBool() && context->needs_input_grad(4))
      out[4] = on_gpu::serves(gradient) ? gradient.sum(0) : sum_rows(gradient);
    return out;
  }
};

}  // namespace

Tensor decode(const Codes& codes, const Tensor& w_dec, const Tensor& b_dec) {
  FACET_ASSERT(codes.d_sae == w_dec.size(0), "codes and W_dec differ in the number of latents");
  if (w_dec.is_cpu() || (on_gpu::serves(w_dec) && codes.value.scalar_type() == at::kFloat))
    return Decode::apply(codes.start, codes.latent.contiguous(), codes.value, w_dec,
                         if_defined(b_dec));
  return elsewhere::decode(codes, w_dec, b_dec);
}

}  // namespace facet::ops
