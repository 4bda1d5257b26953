// Bodies of BatchSae.
#include "batch_sae.h"

#include <facet/torch.h>

namespace facet {
namespace {

constexpr double kUnset = -1;  // a threshold that has not followed a batch yet

}  // namespace

std::map<std::string, Value> batch_peer_forms() {
  return {{"saelens", Value::Table{{"error_in", "host"},
                                   {"select_by_norm", true},
                                   {"aux", "scaled"},
                                   {"aux_coefficient", 1.0},
                                   {"threshold_from", "zero"},
                                   {"decoder_norm", "never"},
                                   {"project_gradient", false},
                                   {"decoder_init_norm", 0.1}}},
          {"dictionary_learning", Value::Table{{"threshold_rate", 0.001},
                                               {"threshold_after", 1001},
                                               {"b_dec_start", "geometric_median"}}},
          {"bussmann", Value::Table{{"error", "mse_by_element"},
                                    {"encoder_start", "kaiming_latents"},
                                    {"encoder_bias", false},
                                    {"aux", "attached"},
                                    {"k_aux", 512},
                                    {"decoder_norm", "after_backward"}}}};
}

std::string problem_of_k(const BatchForm& form) {
  if (form.k <= static_cast<double>(form.d_sae)) return "";
  return "k: " + emit_json(Value(form.k)) + " exceeds d_sae (" + std::to_string(form.d_sae) + ")";
}

BatchSae::BatchSae(const std::string& type, const BatchForm& form, const Shape& shape, Init& init)
    : DenseSae(type, form, shape, init),
      batch_(form),
      threshold_(
          buffer("threshold", wide(form.threshold_from == "zero" ? 0.0 : kUnset), Merge::mean)),
      batches_(buffer("batches", wide(0))) {}

Tensor BatchSae::wide(double value) const {
  return at::full({}, value, w_dec_.detach().options().dtype(at::kDouble));
}

Losses BatchSae::errors(const Pass& pass, const Step& step) { return {error(pass, step)}; }

void BatchSae::add_terms_of_dead(Losses& losses, const Pass& pass, const Step& step) const {
  add_dead_terms(losses, pass, step);
}

Losses BatchSae::losses(const Pass& pass, const Step& step) {
  Losses losses = errors(pass, step);
  if (batch_.l1_coefficient > 0)
    losses.push_back(l1_term("l1", batch_.l1_coefficient, pass.notes.at("active"), w_dec_, step));
  add_terms_of_dead(losses, pass, step);
  return losses;
}

// With select_by_norm codes are in the rows' units, and ranked so: a number changes no rank, and
// divides the threshold. source: SAELens 6.54.12 (batchtopk_sae.py)
bool BatchSae::fold(const RowMap& map) {
  if (batch_.select_by_norm && !map.scale.defined()) return false;
  if (!DenseSae::fold(map)) return false;
  if (batch_.select_by_norm && threshold_.item<double>() != kUnset)
    threshold_.div_(map.scale[0].item<double>());
  return true;
}

std::optional<InferenceForm> BatchSae::inference_form() const {
  if (batch_.infer_k > 0 || batch_.theta > 0) return DenseSae::inference_form();
  InferenceForm out = plain_form("jumprelu");
  out.tensors.emplace_back("threshold",
                           threshold_.clamp_min(0).to(at::kFloat).expand({batch_.d_sae}));
  return out;
}

Tensor BatchSae::active(const Tensor& pre, Mode mode) {
  const Tensor z = activations(pre);
  return z * chosen(z.detach(), mode);
}

Tensor BatchSae::activations(const Tensor& pre) const {
  return batch_.select_by_norm ? pre.relu() * row_norms(w_dec_) : pre.relu();
}

// Which of the activations [n, m] are kept: [n, m] bool. Of equal ones those of the first rows, and
// of a row the lowest latents.
Tensor BatchSae::chosen(const Tensor& z, Mode mode) {
  const at::NoGradGuard no_grad;
  if (mode == Mode::infer) return z > threshold_.clamp_min(0);
  const auto most = static_cast<int64_t>(batch_.k * static_cast<double>(z.size(0)));
  const Tensor flat = z.flatten(), value = std::get<0>(flat.topk(most, 0, true, false));
  follow(value);
  const Tensor least = value.min(), above = flat > least, equal = flat == least;
  return above.logical_or(equal.logical_and(equal.cumsum(0) <= most - above.sum())).view_as(z);
}

// The running mean of the least positive activation that a batch keeps. source: as
// batch_peer_forms()
void BatchSae::follow(const Tensor& kept) {
  const Tensor least = at::where(kept > 0, kept, kept.max()).min().to(at::kDouble);
  const Tensor next = at::where(threshold_ == kUnset, least,
                                threshold_ + batch_.threshold_rate * (least - threshold_));
  threshold_.copy_(at::where(batches_ >= batch_.threshold_after, next, threshold_));
  batches_.add_(1);
}

}  // namespace facet
