// The working versions of what changes parameters and gradients in place: adam_step,
// normalise_rows, remove_parallel.
#include <ATen/Parallel.h>
#include <facet/torch.h>

#include <algorithm>
#include <cmath>

#include "facet/error.h"
#include "facet/ops.h"
#include "tensor/elsewhere.h"
#include "tensor/on_gpu.h"
#include "tensor/row_norm.h"
#include "tensor/row_updates.h"
#include "tensor/vectors.h"
#include "tensor/waiting_rows.h"

namespace facet::ops {
namespace {

constexpr int64_t kChunk =
    16384;  // floats of one task: fixed, so that its tail is the same at any thread count

vectors::AdamFactors factors(int64_t step, const Adam& adam) {
  const auto t = static_cast<double>(step);
  vectors::AdamFactors f;
  f.beta1 = static_cast<float>(adam.beta1);
  f.one_minus_beta1 = static_cast<float>(1 - adam.beta1);
  f.beta2 = static_cast<float>(adam.beta2);
  f.one_minus_beta2 = static_cast<float>(1 - adam.beta2);
  f.keep = static_cast<float>(1 - adam.lr * adam.weight_decay);
  f.rate = static_cast<float>(adam.lr / (1 - std::pow(adam.beta1, t)));
  f.correct = static_cast<float>(1 / std::sqrt(1 - std::pow(adam.beta2, t)));
  f.eps = static_cast<float>(adam.eps);
  return f;
}

/// The rows of a matrix whose rows are contiguous: W_dec, or W_enc transposed.
void check_rows(const Tensor& w) {
  FACET_ASSERT(w.dim() == 2 && w.is_contiguous(), "rows must be contiguous");
}

// One row of remove_parallel().
void project(float* gradient, const float* row, int64_t d, double eps) {
  const float along = vectors::dot(gradient, row, d);
  if (along == 0) return;
  const float norm = std::sqrt(vectors::dot(row, row, d)) + static_cast<float>(eps);
  vectors::add_scaled(-along / (norm * norm), row, gradient, d);
}

}  // namespace

void adam_step(Tensor& param, const Tensor& gradient, Tensor& first, Tensor& second, int64_t step,
               const Adam& adam) {
  const at::NoGradGuard no_grad;
  FACET_ASSERT(param.is_non_overlapping_and_dense(), "a parameter must fill its memory");
  for (const Tensor& other : {gradient, first, second})
    FACET_ASSERT(other.sizes() == param.sizes() && other.strides() == param.strides(),
                 "a parameter, its gradient and its moments differ in layout");
  if (on_gpu::serves(param))
    return on_gpu::adam_step(param, gradient, first, second, factors(step, adam));
  if (!param.is_cpu()) return elsewhere::adam_step(param, gradient, first, second, step, adam);
  const vectors::AdamFactors f = factors(step, adam);
  float* p = param.mutable_data_ptr<float>();
  const float* g = gradient.const_data_ptr<float>();
  float* m = first.mutable_data_ptr<float>();
  float* v = second.mutable_data_ptr<float>();
  const int64_t n = param.numel();
  at::parallel_for(0, (n + kChunk - 1) / kChunk, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin * kChunk; i < std::min(end * kChunk, n); i += kChunk)
      vectors::adam(p + i, g + i, m + i, v + i, std::min(kChunk, n - i), f);
  });
}

void adam_step(Tensor& param, int64_t axis, const GradientRows& gradient, Tensor& first,
               Tensor& second, int64_t step, const Adam& adam) {
  const at::NoGradGuard no_grad;
  if (WaitingRows* waiting = HeldGradients::waiting(param))
    return waiting->step(gradient, factors(step, adam));
  const Tensor rows = param.transpose(0, axis);  // [m, d]
  for (const Tensor& t : {rows, first.transpose(0, axis), second.transpose(0, axis)})
    FACET_ASSERT(t.is_contiguous() && t.sizes() == rows.sizes(),
                 "a parameter and its moments must hold one latent after another");
  const vectors::AdamFactors f = factors(step, adam);
  const int64_t d = rows.size(1);
  float* p = param.mutable_data_ptr<float>();
  float* m = first.mutable_data_ptr<float>();
  float* v = second.mutable_data_ptr<float>();
  at::parallel_for(0, rows.size(0), 64, [&](int64_t begin, int64_t end) {
    for (int64_t latent = begin; latent < end; ++latent) {
      const int64_t i = latent * d;
      if (const float* g = gradient.find(latent))
        vectors::adam(p + i, g, m + i, v + i, d, f);
      else
        vectors::adam_idle(p + i, m + i, v + i, d, f);
    }
  });
}

void normalise_rows(Tensor& w, double eps) {
  const at::NoGradGuard no_grad;
  check_rows(w);
  if (on_gpu::serves(w)) return on_gpu::normalise_rows(w, eps);
  if (!w.is_cpu()) return elsewhere::normalise_rows(w, eps);
  if (WaitingRows* waiting = HeldGradients::waiting(w))
    return waiting->normalise(static_cast<float>(eps));
  const int64_t d = w.size(1);
  float* rows = w.mutable_data_ptr<float>();
  at::parallel_for(0, w.size(0), 64, [&](int64_t begin, int64_t end) {
    for (float* row = rows + begin * d; row != rows + end * d; row += d)
      normalise_row(row, d, static_cast<float>(eps));
  });
}

void remove_parallel(Tensor& gradient, const Tensor& w, double eps) {
  const at::NoGradGuard no_grad;
  check_rows(w);
  check_rows(gradient);
  if (on_gpu::serves(w)) return on_gpu::remove_parallel(gradient, w, eps);
  if (!w.is_cpu()) return elsewhere::remove_parallel(gradient, w, eps);
  const int64_t d = w.size(1);
  const float* rows = w.const_data_ptr<float>();
  float* gradients = gradient.mutable_data_ptr<float>();
  at::parallel_for(0, w.size(0), 64, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) project(gradients + i * d, rows + i * d, d, eps);
  });
}

void project_gradient(Tensor& w, double eps) {
  const at::NoGradGuard no_grad;
  GradientRows* held = HeldGradients::of(w);
  WaitingRows* waiting = HeldGradients::waiting(w);
  if (w.grad().defined()) {
    if (waiting) waiting->bring_all();
    remove_parallel(w.mutable_grad(), w.detach(), eps);
  }
  if (!held || !held->given()) return;
  check_rows(w);
  const int64_t d = w.size(1);
  const float* rows = w.const_data_ptr<float>();
  float* gradients = held->rows().mutable_data_ptr<float>();
  const std::vector<int32_t>& latents = held->latents();
  if (waiting) waiting->bring(latents.data(), static_cast<int64_t>(latents.size()));
  at::parallel_for(0, static_cast<int64_t>(latents.size()), 64, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i)
      project(gradients + i * d, rows + latents[static_cast<size_t>(i)] * d, d, eps);
  });
}

}  // namespace facet::ops
