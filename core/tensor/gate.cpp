// A gate and a magnitude of the same product, their codes and sums in one pass, the gradients of
// all of these in another.
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

struct GatedRow {
  int64_t entries = 0;
  float sum = 0;
};

// [m] each.
struct GateWeights {
  const float *b_gate, *scale, *b_mag;
};

// What the gate says of NaN is NaN.
FACET_FOR_EACH_CPU GatedRow gate_row(const float* u, GateWeights w, int64_t m, float* active,
                                     float* passed) {
  int32_t entries = 0;
  float sum = 0;
#pragma omp simd reduction(+ : entries, sum)
  for (int64_t l = 0; l < m; ++l) {
    const float gate = u[l] + w.b_gate[l], magnitude = u[l] * w.scale[l] + w.b_mag[l];
    const float open = gate <= 0 ? 0 : gate;
    const float z = open == 0 || magnitude <= 0 ? 0 : magnitude;
    active[l] = z;
    passed[l] = open;
    entries += z != 0;
    sum += open;
  }
  return {entries, sum};
}

// What passed forwards and what came back, [m] each; `more` is the gradient of the row's sum.
struct GateBack {
  const float *u, *active, *passed, *to_active, *to_passed;
  float more;
};

// Adds to sums [3, m]: the gradients of b_gate, r_mag, b_mag.
FACET_FOR_EACH_CPU void gate_back_row(GateBack row, const float* scale, int64_t m, float* out,
                                      float* sums) {
  float *b_gate = sums, *r_mag = sums + m, *b_mag = sums + 2 * m;
#pragma omp simd
  for (int64_t l = 0; l < m; ++l) {
    const float open = row.passed[l] <= 0 ? 0 : row.to_passed[l] + row.more;
    const float fired = row.active[l] == 0 ? 0 : row.to_active[l];
    out[l] = open + fired * scale[l];
    b_gate[l] += open;
    r_mag[l] += fired * row.u[l] * scale[l];
    b_mag[l] += fired;
  }
}

/// {active, passed, sum, start, latent, value}
class GateInOne : public Function<GateInOne> {
 public:
  static variable_list forward(AutogradContext* context, const Tensor& u, const Tensor& b_gate,
                               const Tensor& r_mag, const Tensor& b_mag) {
    const Tensor given = u.contiguous(), scale = r_mag.exp().contiguous();
    const Tensor gate_bias = b_gate.contiguous(), mag_bias = b_mag.contiguous();
    const int64_t n = given.size(0), m = given.size(1);
    const Tensor active = at::empty_like(given), passed = at::empty_like(given);
    const Tensor sum = at::empty({n}, given.options()), start = at::zeros({n + 1}, at::kLong);
    const float* from = given.const_data_ptr<float>();
    float *z = active.data_ptr<float>(), *open = passed.data_ptr<float>();
    float* sums = sum.data_ptr<float>();
    int64_t* counts = start.data_ptr<int64_t>() + 1;
    const GateWeights w{gate_bias.const_data_ptr<float>(), scale.const_data_ptr<float>(),
                        mag_bias.const_data_ptr<float>()};
    for_dense_rows(n, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const GatedRow row = gate_row(from + i * m, w, m, z + i * m, open + i * m);
        counts[i] = row.entries;
        sums[i] = row.sum;
      }
    });
    const Codes codes = entries_of(active, start);
    context->mark_non_differentiable({start, codes.latent});
    context->save_for_backward({given, scale, active, passed, start, codes.latent});
    context->set_materialize_grads(false);
    return {active, passed, sum, start, codes.latent, codes.value};
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const variable_list saved = context->get_saved_variables();
    const Tensor &u = saved[0], &active = saved[2], &passed = saved[3];
    const int64_t n = u.size(0), m = u.size(1);
    const Tensor to_active =
        gradient_of_active(active, saved[4], saved[5], gradients[0], gradients[5]);
    const Tensor to_passed =
        gradients[1].defined() ? gradients[1].contiguous() : at::zeros_like(passed);
    const Tensor more = gradient_of_rows(gradients[2], u), out = at::empty_like(u);
    const float* added = more.const_data_ptr<float>();
    const float* scale = saved[1].const_data_ptr<float>();
    float* to = out.data_ptr<float>();
    const auto row = [&](int64_t i) {
      const auto at = [&](const Tensor& t) { return t.const_data_ptr<float>() + i * m; };
      return GateBack{at(u), at(active), at(passed), at(to_active), at(to_passed), added[i]};
    };
    const Tensor sums = sums_over_rows(n, 3, m, [&](int64_t begin, int64_t end, float* of_rows) {
      for (int64_t i = begin; i < end; ++i) gate_back_row(row(i), scale, m, to + i * m, of_rows);
    });
    const bool opened = gradients[1].defined() || gradients[2].defined();
    return {out, opened ? sums[0] : Tensor(), sums[1], sums[2]};
  }
};

}  // namespace

Gated gate(const Tensor& u, const Tensor& b_gate, const Tensor& r_mag, const Tensor& b_mag) {
  if (!takes_dense_passes(u)) {
    const Tensor pre = u + b_gate, passed = pre.relu();
    const Tensor active = (u * r_mag.exp() + b_mag).relu() * pre.detach().gt(0);
    return {active, passed, passed.sum(1), Codes::of(active)};
  }
  const variable_list parts = GateInOne::apply(u, b_gate, r_mag, b_mag);
  return {parts[0], parts[1], parts[2], Codes{parts[3], parts[4], parts[5], u.size(1)}};
}

}  // namespace facet::ops
