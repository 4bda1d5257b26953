// Bodies of PAnneal.
#include "anneal.h"

#include <facet/torch.h>

#include <algorithm>

#include "ranks.h"

namespace facet {
namespace {

int64_t updates_of(const AnnealForm& form) {
  return form.n_sparsity_updates > 0 ? form.n_sparsity_updates
                                     : form.anneal_end - form.anneal_start + 1;
}

}  // namespace

std::vector<std::string> lp_words() { return {"lp_p", "lp"}; }

std::string problem_of_anneal(const AnnealForm& form) {
  if (form.anneal_end <= form.anneal_start)
    return "anneal_end: is " + std::to_string(form.anneal_end) +
           ", should be above anneal_start (" + std::to_string(form.anneal_start) + ")";
  const int64_t most = form.anneal_end - form.anneal_start + 1;
  if (updates_of(form) < 2 || updates_of(form) > most)
    return "n_sparsity_updates: is " + std::to_string(form.n_sparsity_updates) +
           ", should be 2 to " + std::to_string(most) +
           ", the steps from anneal_start to anneal_end, or 0";
  if (form.sparsity_function == "lp" && form.p_end == 0)
    return "p_end: must be above 0 with sparsity_function = \"lp\"";
  return "";
}

PAnneal::PAnneal(const AnnealForm& form) : form_(form) {
  const int64_t count = updates_of(form);
  const Tensor steps = at::linspace(form.anneal_start, form.anneal_end, count, at::kLong);
  const Tensor p = at::linspace(form.p_start, form.p_end, count, at::kFloat);
  for (int64_t i = 0; i < count; ++i) {
    steps_.push_back(steps[i].item<int64_t>());
    p_.push_back(p[i].item<double>());
  }
}

std::vector<std::pair<std::string, Tensor>> PAnneal::start(const at::TensorOptions& options) const {
  return {{"sparsity_coefficient",
           at::full({}, form_.sparsity_coefficient, options.dtype(at::kDouble))},
          {"sparsity_queue", at::zeros({form_.sparsity_queue_length, 2}, options)}};
}

void PAnneal::keep(const Tensor& coefficient, const Tensor& queue) {
  coefficient_ = coefficient;
  queue_ = queue;
}

PAnneal::Now PAnneal::at_step(int64_t step) const {
  const auto done = std::lower_bound(steps_.begin(), steps_.end(), step) - steps_.begin();
  const auto last = static_cast<std::ptrdiff_t>(steps_.size()) - 1;
  Now now;
  now.p = done > 0 ? p_[done - 1] : form_.p_start;
  now.queues = done > 0 && done <= last;
  now.next = now.queues ? p_[done] : now.p;
  now.updates = now.queues && steps_[done] == step;
  return now;
}

Tensor PAnneal::penalty(const Tensor& z, double p, const Step& step) const {
  const Tensor fires = z > 0;
  const Tensor sum = (at::where(fires, z, at::ones_like(z)).pow(p) * fires).sum(1);  // [n]
  if (form_.sparsity_function == "lp_p") return mean_of_rows(step, sum);
  const Tensor any = sum > 0;
  return mean_of_rows(step, at::where(any, sum, at::ones_like(sum)).pow(1 / p) * any);
}

Loss PAnneal::term(const Tensor& z, const Step& step) {
  now_ = at_step(step.index);
  const Tensor now = penalty(z, now_.p, step);
  if (now_.queues && at::GradMode::is_enabled()) {
    const at::NoGradGuard no_grad;
    const Tensor pair = at::stack({now.detach(), penalty(z.detach(), now_.next, step)});
    const bool more = step_ == step.index && parts_ > 0;
    sums_ = more ? sums_ + pair : pair;
    parts_ = more ? parts_ + 1 : 1;
  }
  step_ = step.index;
  return {"lp", now * coefficient_.to(now.scalar_type()), true};
}

void PAnneal::after_step() {
  if (parts_ == 0) return;
  const at::NoGradGuard no_grad;
  const Tensor older = queue_.slice(0, 1).clone();
  queue_.slice(0, 0, queue_.size(0) - 1).copy_(older);
  queue_.select(0, -1).copy_(sums_ / parts_);
  parts_ = 0;
  if (!now_.updates) return;
  const Tensor sums = queue_.sum(0).to(at::kDouble);  // [2]; a mean's divisor would cancel
  coefficient_.mul_(at::where(sums[1] > 0, sums[0] / sums[1], at::ones_like(sums[0])));
}

Figures PAnneal::figures() const {
  return {{"p", at::full({}, now_.p, coefficient_.options())},
          {"sparsity_coefficient", coefficient_.clone()}};
}

}  // namespace facet
