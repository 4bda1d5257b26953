// Applies ops::adam_step to each parameter.
#include "train/optimiser.h"

#include <facet/torch.h>

#include <cmath>

#include "train/firing.h"
#include "train/gradient_norm.h"

namespace facet {
namespace {

// Autograd may lay a gradient out otherwise than its parameter.
Tensor laid_out_as(const Tensor& gradient, const Tensor& param) {
  if (gradient.strides() == param.strides()) return gradient;
  return torch::empty_like(param).copy_(gradient);
}

}  // namespace

Optimiser::Optimiser(const Sae& sae) {
  for (const auto& [name, value] : sae.params()) {
    const Tensor zeros = torch::zeros_like(value.detach());
    params_.push_back({name, value, zeros, zeros.clone()});
  }
}

void Optimiser::clear_gradients() {
  for (Trained& p : params_) p.value.mutable_grad() = Tensor();
}

double Optimiser::gradient_norm(std::string& bad) const {
  double sum = 0;
  for (const Trained& p : params_) {
    if (!p.value.grad().defined()) continue;
    const double square = squared_norm(p.value.grad());
    if (bad.empty() && !std::isfinite(square)) bad = p.name;
    sum += square;
  }
  return std::sqrt(sum);
}

void Optimiser::scale_gradients(double factor) {
  for (Trained& p : params_)
    if (p.value.grad().defined()) p.value.mutable_grad().mul_(factor);
}

void Optimiser::step(int64_t step, const ops::Adam& adam) {
  const torch::NoGradGuard no_grad;
  for (Trained& p : params_)
    if (p.value.grad().defined())
      ops::adam_step(p.value, laid_out_as(p.value.grad(), p.value), p.first, p.second, step, adam);
}

void Optimiser::forget(const Tensor& latents, int64_t d_sae) {
  for (Trained& p : params_) {
    if (p.name == "b_dec") continue;
    const int64_t axis = p.name == "W_enc" ? p.value.dim() - 1 : 0;
    if (p.value.size(axis) != d_sae) continue;
    p.first.index_fill_(axis, latents, 0);
    p.second.index_fill_(axis, latents, 0);
  }
}

NamedTensors Optimiser::tensors() const {
  NamedTensors out;
  for (const Trained& p : params_) {
    out.emplace_back("first/" + p.name, p.first);
    out.emplace_back("second/" + p.name, p.second);
  }
  return out;
}

void Optimiser::restore(const NamedTensors& tensors) {
  for (Trained& p : params_) {
    p.first.copy_(find_tensor(tensors, "first/" + p.name, p.first));
    p.second.copy_(find_tensor(tensors, "second/" + p.name, p.second));
  }
}

}  // namespace facet
