// Bodies of BatchSae.
#include "batch_sae.h"

#include <facet/torch.h>

#include "facet/ops.h"
#include "ranks.h"

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
    : AffineSae(type, form, shape, init),
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
  if (batch_.l1_coefficient > 0) {
    const Codes& codes = pass.codes;
    const Tensor sums = at::zeros({codes.rows()}, codes.value.options().requires_grad(false))
                            .index_add(0, codes.row(), codes.value);
    losses.push_back({"l1", mean_of_rows(step, sums) * batch_.l1_coefficient, true});
  }
  add_terms_of_dead(losses, pass, step);
  return losses;
}

// With select_by_norm codes are in the rows' units, and ranked so: a number changes no rank, and
// divides the threshold. source: SAELens 6.54.12 (batchtopk_sae.py)
bool BatchSae::fold(const RowMap& map) {
  if (batch_.select_by_norm && !map.scale.defined()) return false;
  if (!AffineSae::fold(map)) return false;
  if (batch_.select_by_norm && threshold_.item<double>() != kUnset)
    threshold_.div_(map.scale[0].item<double>());
  return true;
}

std::optional<InferenceForm> BatchSae::inference_form() const {
  if (batch_.infer_k > 0 || batch_.theta > 0) return AffineSae::inference_form();
  InferenceForm out = plain_form("jumprelu");
  out.tensors.emplace_back("threshold",
                           threshold_.clamp_min(0).to(at::kFloat).expand({batch_.d_sae}));
  return out;
}

Codes BatchSae::encode(const Tensor& x, Mode mode) {
  const Dictionary w = ranked();
  if (mode == Mode::train) {
    const auto most = static_cast<int64_t>(batch_.k * static_cast<double>(x.size(0)));
    Codes codes = ops::encode_batch_topk(x, w.w_enc, w.b_enc, w.b_dec, most);
    follow(codes.value.detach());
    return codes;
  }
  if (batch_.infer_k == 0 && !at::GradMode::is_enabled()) {
    const double least = batch_.theta > 0 ? batch_.theta : threshold_.item<double>();
    return ops::encode_above(x, w.w_enc, w.b_enc, w.b_dec, at::full_like(w.b_enc, least));
  }
  const Tensor z = ops::pre_activations(x, w.w_enc, w.b_enc, w.b_dec).relu();  // [n, m]
  return infers_otherwise(mode) ? inferred(z) : Codes::of(z * (z > threshold_.clamp_min(0)));
}

// The running mean of the least positive activation that a batch keeps, 0 where it keeps none.
// source: as batch_peer_forms()
void BatchSae::follow(const Tensor& kept) {
  const at::NoGradGuard no_grad;
  const Tensor least = kept.numel() > 0 ? kept.min().to(at::kDouble) : wide(0);
  const Tensor next = at::where(threshold_ == kUnset, least,
                                threshold_ + batch_.threshold_rate * (least - threshold_));
  threshold_.copy_(at::where(batches_ >= batch_.threshold_after, next, threshold_));
  batches_.add_(1);
}

}  // namespace facet
