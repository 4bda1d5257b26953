// ReLU with the sums and counts of its rows in one pass, their gradients in another.
#include <ATen/Parallel.h>
#include <facet/torch.h>
#include <torch/csrc/autograd/custom_function.h>

#include "facet/ops.h"
#include "tensor/for_each_cpu.h"
#include "tensor/not_zero.h"
#include "tensor/plain_kernels.h"

namespace facet::ops {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::Function;
using torch::autograd::variable_list;

constexpr int64_t kRectifiedRows = 64;

struct RectifiedRow {
  int64_t entries = 0;
  float sum = 0;
};

// NaN stays NaN.
FACET_FOR_EACH_CPU RectifiedRow rectify_row(const float* pre, int64_t m, float* active) {
  int32_t entries = 0;
  float sum = 0;
#pragma omp simd reduction(+ : entries, sum)
  for (int64_t l = 0; l < m; ++l) {
    const float z = pre[l] <= 0 ? 0 : pre[l];
    active[l] = z;
    entries += z != 0;
    sum += z;
  }
  return {entries, sum};
}

FACET_FOR_EACH_CPU void pass_back_row(const float* active, const float* gradient, float more,
                                      int64_t m, float* out) {
#pragma omp simd
  for (int64_t l = 0; l < m; ++l) out[l] = active[l] <= 0 ? 0 : gradient[l] + more;
}

/// {active, sum, start, latent, value}
class Rectify : public Function<Rectify> {
 public:
  static variable_list forward(AutogradContext* context, const Tensor& pre) {
    const Tensor given = pre.contiguous();
    const int64_t n = given.size(0), m = given.size(1);
    const Tensor active = at::empty_like(given), sum = at::empty({n}, given.options());
    const Tensor start = at::zeros({n + 1}, at::kLong);
    const float* from = given.const_data_ptr<float>();
    float *to = active.data_ptr<float>(), *sums = sum.data_ptr<float>();
    int64_t* counts = start.data_ptr<int64_t>() + 1;
    at::parallel_for(0, n, kRectifiedRows, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const RectifiedRow row = rectify_row(from + i * m, m, to + i * m);
        counts[i] = row.entries;
        sums[i] = row.sum;
      }
    });
    const int64_t entries = starts_of_counts(start);
    const Tensor latent = at::empty({entries}, at::kInt), value = at::empty({entries}, at::kFloat);
    list_not_zero(active, start, latent.data_ptr<int32_t>(), value.data_ptr<float>());
    context->mark_non_differentiable({start, latent});
    context->save_for_backward({active, start, latent});
    context->set_materialize_grads(false);
    return {active, sum, start, latent, value};
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const variable_list saved = context->get_saved_variables();
    const Tensor& active = saved[0];
    const int64_t n = active.size(0), m = active.size(1);
    Tensor gradient = gradients[0].defined() ? gradients[0].contiguous() : at::zeros_like(active);
    if (gradients[4].defined()) {
      Codes codes;
      codes.start = saved[1];
      codes.latent = saved[2];
      codes.value = gradients[4].contiguous();
      codes.d_sae = m;
      gradient = gradient + codes.dense();
    }
    const Tensor more =
        gradients[1].defined() ? gradients[1].contiguous() : at::zeros({n}, active.options());
    const Tensor out = at::empty_like(active);
    const float *z = active.const_data_ptr<float>(), *g = gradient.const_data_ptr<float>();
    const float* added = more.const_data_ptr<float>();
    float* to = out.data_ptr<float>();
    at::parallel_for(0, n, kRectifiedRows, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i)
        pass_back_row(z + i * m, g + i * m, added[i], m, to + i * m);
    });
    return {out};
  }
};

}  // namespace

Rectified rectify(const Tensor& pre) {
  if (!pre.is_cpu() || pre.scalar_type() != at::kFloat || PlainKernels::wanted()) {
    const Tensor active = pre.relu();
    return {active, active.sum(1), Codes::of(active)};
  }
  const variable_list parts = Rectify::apply(pre);
  Codes codes;
  codes.start = parts[2];
  codes.latent = parts[3];
  codes.value = parts[4];
  codes.d_sae = pre.size(1);
  return {parts[0], parts[1], codes};
}

}  // namespace facet::ops
