// ReLU with the sums and counts of its rows in one pass, their gradients in another.
#include <facet/torch.h>
#include <torch/csrc/autograd/custom_function.h>

#include "facet/ops.h"
#include "tensor/dense_codes.h"
#include "tensor/for_each_cpu.h"

namespace facet::ops {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::Function;
using torch::autograd::variable_list;

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
    for_dense_rows(n, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const RectifiedRow row = rectify_row(from + i * m, m, to + i * m);
        counts[i] = row.entries;
        sums[i] = row.sum;
      }
    });
    const Codes codes = entries_of(active, start);
    context->mark_non_differentiable({start, codes.latent});
    context->save_for_backward({active, start, codes.latent});
    context->set_materialize_grads(false);
    return {active, sum, start, codes.latent, codes.value};
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const variable_list saved = context->get_saved_variables();
    const Tensor& active = saved[0];
    const int64_t n = active.size(0), m = active.size(1);
    const Tensor gradient =
        gradient_of_active(active, saved[1], saved[2], gradients[0], gradients[4]);
    const Tensor more = gradient_of_rows(gradients[1], active);
    const Tensor out = at::empty_like(active);
    const float *z = active.const_data_ptr<float>(), *g = gradient.const_data_ptr<float>();
    const float* added = more.const_data_ptr<float>();
    float* to = out.data_ptr<float>();
    for_dense_rows(n, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i)
        pass_back_row(z + i * m, g + i * m, added[i], m, to + i * m);
    });
    return {out};
  }
};

}  // namespace

Rectified rectify(const Tensor& pre) {
  if (!takes_dense_passes(pre)) {
    const Tensor active = pre.relu();
    return {active, active.sum(1), Codes::of(active)};
  }
  const variable_list parts = Rectify::apply(pre);
  return {parts[0], parts[1], Codes{parts[2], parts[3], parts[4], pre.size(1)}};
}

}  // namespace facet::ops
