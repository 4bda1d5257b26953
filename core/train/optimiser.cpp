// Gradients of all parameters together, and the rule of each.
#include "train/optimiser.h"

#include <facet/torch.h>

#include <cmath>

#include "tensor/waiting_rows.h"
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
    trained_.push_back(
        {name, value, make_rule(params, value), name == "W_enc" ? value.dim() - 1 : 0});
  const bool whole = params.keep_gradients || params.kernels == "plain";
  if (sae.row_gradients() && !whole) hold_rows(sae);
}

void Optimiser::hold_rows(const Sae& sae) {
  // A host may run the SAE on a thread that does not collect.
  const bool wait = sae.rows_may_wait() && params_.end_to_end == "none";
  rows_ = std::make_unique<HeldGradients>();
  for (Trained& p : trained_) {
    if (p.value.dim() != 2 || p.value.size(p.axis) != sae.d_sae()) continue;
    if (!p.rule->takes_rows() || !HeldGradients::can_hold(p.value, p.axis)) continue;
    rows_->hold(p.value, p.axis, wait ? p.rule->waiting_rows(p.value, p.axis) : nullptr);
  }
  for (Trained& p : trained_) {
    p.rows = rows_->find(p.value);
    p.waiting = rows_->find_waiting(p.value);
  }
}

void Optimiser::hand_over() const {
  const torch::NoGradGuard no_grad;
  for (const Trained& p : trained_)
    if (p.waiting) p.waiting->hand_over();
}

void Optimiser::settle_gradients() {
  const torch::NoGradGuard no_grad;
  for (Trained& p : trained_) {
    if (!p.rows || !p.rows->given() || !p.value.grad().defined()) continue;
    p.value.mutable_grad().add_(p.rows->dense().transpose(0, p.axis));
    p.rows->clear();
  }
}

void Optimiser::clear_gradients() {
  if (params_.keep_gradients) return;
  for (Trained& p : trained_) {
    p.value.mutable_grad() = Tensor();
    if (p.rows) p.rows->clear();
  }
}

Tensor Optimiser::gradient_of(const Trained& p) {
  return p.rows && p.rows->given() ? p.rows->rows() : p.value.grad();
}

double Optimiser::gradient_norm(std::string& bad) const {
  double sum = 0;
  for (const Trained& p : trained_) {
    const Tensor gradient = gradient_of(p);
    if (!gradient.defined()) continue;
    const double square = squared_norm(gradient);
    if (bad.empty() && !std::isfinite(square)) bad = p.name;
    sum += square;
  }
  return std::sqrt(sum);
}

void Optimiser::scale_gradients(double factor) {
  for (Trained& p : trained_)
    if (Tensor gradient = gradient_of(p); gradient.defined()) gradient.mul_(factor);
}

double Optimiser::lr(int64_t step) const { return largest_lr_ * lr_factor(params_, step, steps_); }

void Optimiser::step(int64_t step) {
  const torch::NoGradGuard no_grad;
  const auto collecting = collect();  // of rows that wait
  const Moment now{step + 1, lr(step), largest_lr_ * vector_lr_factor(params_, step, steps_)};
  for (Trained& p : trained_) {
    if (p.rows && p.rows->given()) {
      p.rule->step_rows(p.value, p.axis, *p.rows, now);
    } else if (p.value.grad().defined()) {
      if (p.waiting) p.waiting->hand_over();
      p.rule->step(p.value, laid_out_as(p.value.grad(), p.value), now);
    }
  }
}

void Optimiser::finish() {
  const torch::NoGradGuard no_grad;
  hand_over();
  for (Trained& p : trained_) p.rule->finish(p.value);
}

void Optimiser::forget(const Tensor& latents, int64_t d_sae) {
  hand_over();
  for (Trained& p : trained_) {
    if (p.name == "b_dec") continue;
    if (p.value.size(p.axis) == d_sae) p.rule->forget(p.value, p.axis, latents);
  }
}

void Optimiser::as_finished(const std::function<void()>& look) {
  const torch::NoGradGuard no_grad;
  hand_over();
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
  hand_over();
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
  hand_over();
  for (Trained& p : trained_) {
    for (auto& [name, tensor] : p.rule->state())
      tensor.copy_(find_tensor(tensors, name + "/" + p.name, tensor));
    if (params_.keep_gradients)
      p.value.mutable_grad() =
          find_tensor(tensors, "gradient/" + p.name, p.value).to(p.value.device()).clone();
  }
}

}  // namespace facet
