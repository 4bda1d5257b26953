// The two steps of JumpReLU, with straight-through estimates: one pass for both and their codes,
// another for the gradients of both.
#include <facet/torch.h>
#include <torch/csrc/autograd/custom_function.h>

#include <cmath>

#include "facet/ops.h"
#include "tensor/dense_codes.h"
#include "tensor/for_each_cpu.h"

namespace facet::ops {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::Function;
using torch::autograd::variable_list;

StepForm form_of(AutogradContext* context) {
  return {context->saved_data["bandwidth"].toDouble(), context->saved_data["to_input"].toBool()};
}

void keep_form(AutogradContext* context, const StepForm& form) {
  context->saved_data["bandwidth"] = form.bandwidth;
  context->saved_data["to_input"] = form.to_input;
}

// 1 / bandwidth where x is within half a bandwidth of the threshold.
Tensor slope(const Tensor& x, const Tensor& threshold, const StepForm& form) {
  return (x - threshold).abs().lt(form.bandwidth / 2).to(x.scalar_type()) / form.bandwidth;
}

class PlainJump : public Function<PlainJump> {
 public:
  static Tensor forward(AutogradContext* context, const Tensor& pre, const Tensor& threshold,
                        const StepForm& form) {
    context->save_for_backward({pre, threshold});
    keep_form(context, form);
    return at::where(pre <= threshold, at::zeros({}, pre.options()), pre);
  }
  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const variable_list saved = context->get_saved_variables();
    const Tensor &pre = saved[0], &threshold = saved[1], &g = gradients[0];
    const StepForm form = form_of(context);
    const Tensor near = slope(pre, threshold, form) * g;
    Tensor to_pre = at::where(pre <= threshold, at::zeros({}, g.options()), g);
    if (form.to_input) to_pre = to_pre + threshold * near;
    return {to_pre, -threshold * near.sum(0), Tensor()};
  }
};

class StepAbove : public Function<StepAbove> {
 public:
  static Tensor forward(AutogradContext* context, const Tensor& x, const Tensor& threshold,
                        const StepForm& form) {
    context->save_for_backward({x, threshold});
    keep_form(context, form);
    return x.gt(threshold).to(x.scalar_type());
  }
  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const variable_list saved = context->get_saved_variables();
    const StepForm form = form_of(context);
    const Tensor near = slope(saved[0], saved[1], form) * gradients[0];
    return {form.to_input ? near : Tensor(), -near.sum(0), Tensor()};
  }
};

struct JumpedRow {
  int32_t entries = 0, above = 0;
};

// NaN stays NaN.
FACET_FOR_EACH_CPU JumpedRow jump_row(const float* pre, const float* threshold, int64_t m,
                                      float* active) {
  int32_t entries = 0, above = 0;
#pragma omp simd reduction(+ : entries, above)
  for (int64_t l = 0; l < m; ++l) {
    const float z = pre[l] <= threshold[l] ? 0 : pre[l];
    active[l] = z;
    entries += z != 0;
    above += pre[l] > threshold[l];
  }
  return {entries, above};
}

struct JumpSlope {
  float half, rise;  // of the bandwidth; 1 / bandwidth
  bool to_input;
};

// `more`: the gradient of the row's count. Adds to to_threshold [m].
FACET_FOR_EACH_CPU void jump_back_row(const float* pre, const float* threshold,
                                      const float* gradient, float more, int64_t m, JumpSlope slope,
                                      float* out, float* to_threshold) {
  const float reaching = slope.to_input ? slope.rise : 0;
#pragma omp simd
  for (int64_t l = 0; l < m; ++l) {
    const float taught =
        std::fabs(pre[l] - threshold[l]) < slope.half ? threshold[l] * gradient[l] + more : 0.0f;
    out[l] = (pre[l] <= threshold[l] ? 0.0f : gradient[l]) + reaching * taught;
    to_threshold[l] -= slope.rise * taught;
  }
}

/// {active, count, start, latent, value}
class JumpInOne : public Function<JumpInOne> {
 public:
  static variable_list forward(AutogradContext* context, const Tensor& pre, const Tensor& threshold,
                               const StepForm& form) {
    const Tensor given = pre.contiguous(), bar = threshold.contiguous();
    const int64_t n = given.size(0), m = given.size(1);
    const Tensor active = at::empty_like(given), count = at::empty({n}, given.options());
    const Tensor start = at::zeros({n + 1}, at::kLong);
    const float *from = given.const_data_ptr<float>(), *t = bar.const_data_ptr<float>();
    float *to = active.data_ptr<float>(), *above = count.data_ptr<float>();
    int64_t* counts = start.data_ptr<int64_t>() + 1;
    for_dense_rows(n, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const JumpedRow row = jump_row(from + i * m, t, m, to + i * m);
        counts[i] = row.entries;
        above[i] = static_cast<float>(row.above);
      }
    });
    const Codes codes = entries_of(active, start);
    context->mark_non_differentiable({start, codes.latent});
    context->save_for_backward({given, bar, start, codes.latent});
    context->set_materialize_grads(false);
    keep_form(context, form);
    return {active, count, start, codes.latent, codes.value};
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const variable_list saved = context->get_saved_variables();
    const Tensor &pre = saved[0], &bar = saved[1];
    const int64_t n = pre.size(0), m = pre.size(1);
    const Tensor gradient = gradient_of_active(pre, saved[2], saved[3], gradients[0], gradients[4]);
    const bool reached = gradients[0].defined() || gradients[4].defined();
    const Tensor more = gradient_of_rows(gradients[1], pre);
    const Tensor out = at::empty_like(pre);
    const StepForm form = form_of(context);
    const JumpSlope slope{static_cast<float>(form.bandwidth / 2),
                          static_cast<float>(1 / form.bandwidth), form.to_input};
    const float *x = pre.const_data_ptr<float>(), *t = bar.const_data_ptr<float>();
    const float *g = gradient.const_data_ptr<float>(), *added = more.const_data_ptr<float>();
    float* to = out.data_ptr<float>();
    const Tensor sums =
        sums_over_rows(n, 1, m, [&](int64_t begin, int64_t end, float* to_threshold) {
          for (int64_t i = begin; i < end; ++i)
            jump_back_row(x + i * m, t, g + i * m, added[i], m, slope, to + i * m, to_threshold);
        });
    return {reached || form.to_input ? out : Tensor(), sums[0], Tensor()};
  }
};

}  // namespace

Tensor step_above(const Tensor& x, const Tensor& threshold, const StepForm& form) {
  return StepAbove::apply(x, threshold, form);
}

Jumped jump(const Tensor& pre, const Tensor& threshold, const StepForm& form) {
  if (!takes_dense_passes(pre) || !takes_dense_passes(threshold)) {
    const Tensor active = PlainJump::apply(pre, threshold, form);
    return {active, step_above(pre, threshold, form).sum(1), Codes::of(active)};
  }
  const variable_list parts = JumpInOne::apply(pre, threshold, form);
  return {parts[0], parts[1], Codes{parts[2], parts[3], parts[4], pre.size(1)}};
}

}  // namespace facet::ops
