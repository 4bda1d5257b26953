// Gradients of all parameters together, and the rule of each.
#include "train/optimiser.h"

#include <facet/torch.h>

#include <cmath>

#include "train/firing.h"
#include "train/gradient_norm.h"
#include "train/schedule.h"
#include "train/trainer.h"

namespace facet {
namespace {

// Autograd may lay a gradient out otherwise than its parameter.
Tensor laid_out_as(const Tensor& gradient, const Tensor& param) {
  if (gradient.strides() == param.strides()) return gradient;
  return torch::empty_like(param).copy_(gradient);
}

}  // namespace

Optimiser::Optimiser(const Sae& sae, const TrainParams& params, int64_t steps)
    : params_(params), steps_(steps), largest_lr_(params.lr * lr_scale(params, sae.d_sae())) {
  for (const auto& [name, value] : sae.params())
    trained_.push_back({name, value, make_rule(params, value)});
}

void Optimiser::clear_gradients() {
  if (params_.keep_gradients) return;
  for (Trained& p : trained_) p.value.mutable_grad() = Tensor();
}

double Optimiser::gradient_norm(std::string& bad) const {
  double sum = 0;
  for (const Trained& p : trained_) {
    if (!p.value.grad().defined()) continue;
    const double square = squared_norm(p.value.grad());
    if (bad.empty() && !std::isfinite(square)) bad = p.name;
    sum += square;
  }
  return std::sqrt(sum);
}

void Optimiser::scale_gradients(double factor) {
  for (Trained& p : trained_)
    if (p.value.grad().defined()) p.value.mutable_grad().mul_(factor);
}

double Optimiser::lr(int64_t step) const { return largest_lr_ * lr_factor(params_, step, steps_); }

void Optimiser::step(int64_t step) {
  const torch::NoGradGuard no_grad;
  const Moment now{step + 1, lr(step), largest_lr_ * vector_lr_factor(params_, step, steps_)};
  for (Trained& p : trained_)
    if (p.value.grad().defined()) p.rule->step(p.value, laid_out_as(p.value.grad(), p.value), now);
}

void Optimiser::finish() {
  const torch::NoGradGuard no_grad;
  for (Trained& p : trained_) p.rule->finish(p.value);
}

void Optimiser::forget(const Tensor& latents, int64_t d_sae) {
  for (Trained& p : trained_) {
    if (p.name == "b_dec") continue;
    const int64_t axis = p.name == "W_enc" ? p.value.dim() - 1 : 0;
    if (p.value.size(axis) == d_sae) p.rule->forget(p.value, axis, latents);
  }
}

void Optimiser::as_finished(const std::function<void()>& look) {
  const torch::NoGradGuard no_grad;
  std::vector<Tensor> kept;
  for (Trained& p : trained_) {
    kept.push_back(p.rule->changes_at_the_end() ? p.value.detach().clone() : Tensor());
    p.rule->finish(p.value);
  }
  look();
  for (size_t i = 0; i < kept.size(); ++i)
    if (kept[i].defined()) trained_[i].value.copy_(kept[i]);
}

NamedTensors Optimiser::tensors() const {
  NamedTensors out;
  for (const Trained& p : trained_) {
    for (auto& [name, tensor] : p.rule->state()) out.emplace_back(name + "/" + p.name, tensor);
    if (params_.keep_gradients)
      out.emplace_back("gradient/" + p.name, p.value.grad().defined()
                                                 ? p.value.grad()
                                                 : torch::zeros_like(p.value.detach()));
  }
  return out;
}

void Optimiser::restore(const NamedTensors& tensors) {
  for (Trained& p : trained_) {
    for (auto& [name, tensor] : p.rule->state())
      tensor.copy_(find_tensor(tensors, name + "/" + p.name, tensor));
    if (params_.keep_gradients)
      p.value.mutable_grad() =
          find_tensor(tensors, "gradient/" + p.name, p.value).to(p.value.device()).clone();
  }
}

}  // namespace facet
