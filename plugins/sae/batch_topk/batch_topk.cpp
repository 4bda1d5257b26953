// batch_topk: a batch of n rows keeps its n * k largest activations, wherever they are; a threshold
// that follows the least of them stands in for the batch afterwards. Source: Bussmann, Leask and
// Nanda 2024, arXiv:2412.06410; the forms of its peers by `compat`.
#include <facet/plugin.h>
#include <facet/torch.h>

#include "dense_sae.h"

using namespace facet;

namespace {

constexpr double kUnset = -1;  // a threshold that has not followed a batch yet

struct BatchTopKParams : AffineForm {
  BatchTopKParams() { aux_coefficient = 1.0 / 32; }
  std::string compat = "none";
  double k = 32;
  bool select_by_norm = false;
  double l1_coefficient = 0;
  std::string threshold_from = "first";
  double threshold_rate = 0.01;
  int64_t threshold_after = 0;
};

// What each peer's trainer does. source: SAELens 6.54.12 (batchtopk_sae.py), dictionary_learning
// 0.1.0 (trainers/batch_top_k.py), BatchTopK b9aab1c (sae.py, training.py)
std::map<std::string, Value> peer_forms() {
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

Schema<BatchTopKParams> schema() {
  using P = BatchTopKParams;
  Schema<P> schema;
  schema
      .field("compat", &P::compat, "Stands for the form of a peer; keys that are set win.",
             one_of(words_of(peer_forms())))
      .presets("compat", peer_forms())
      .field("k", &P::k, "Latents kept per row, on average over a batch; may be 6.5.", above(0))
      .field("select_by_norm", &P::select_by_norm,
             "Codes are activations times the norm of their row of W_dec, and are ranked so "
             "(SAELens' rescale_acts_by_decoder_norm).")
      .field("l1_coefficient", &P::l1_coefficient, "Weight of an L1 term on what is kept; 0: none.",
             at_least(0))
      .field(
          "threshold_from", &P::threshold_from,
          "Where the threshold begins: at the first batch that it follows, or at zero (SAELens).",
          one_of({"first", "zero"}))
      .field("threshold_rate", &P::threshold_rate,
             "Share of the newest batch in the running threshold.", between(0, 1))
      .field("threshold_after", &P::threshold_after, "Steps before the threshold follows.",
             at_least(0), unit("steps"))
      .check([](const P& p) {
        return p.k <= static_cast<double>(p.d_sae)
                   ? std::string()
                   : "k: " + emit_json(Value(p.k)) + " exceeds d_sae (" + std::to_string(p.d_sae) +
                         ")";
      });
  return add_affine_fields(schema);
}

class BatchTopK final : public DenseSae {
 public:
  BatchTopK(const BatchTopKParams& p, const Shape& shape, Init& init)
      : DenseSae("batch_topk", p, shape, init),
        p_(p),
        threshold_(
            buffer("threshold", wide(p.threshold_from == "zero" ? 0.0 : kUnset), Merge::mean)),
        batches_(buffer("batches", wide(0))) {}

  Losses losses(const Pass& pass, const Step& step) override {
    Losses losses = {error(pass, step)};
    if (p_.l1_coefficient > 0)
      losses.push_back(l1_term("l1", p_.l1_coefficient, pass.notes.at("active"), w_dec_, step));
    add_dead_terms(losses, pass, step);
    return losses;
  }

  // With select_by_norm codes are in the rows' units, and ranked so: a number changes no rank, and
  // divides the threshold. source: SAELens 6.54.12 (batchtopk_sae.py)
  bool fold(const RowMap& map) override {
    if (p_.select_by_norm && !map.scale.defined()) return false;
    if (!AffineSae::fold(map)) return false;
    if (p_.select_by_norm && threshold_.item<double>() != kUnset)
      threshold_.div_(map.scale[0].item<double>());
    return true;
  }

  std::vector<std::string> estimated() const override { return {"auxk"}; }  // the error is fixed

  // source: SAELens 6.54.12 (batchtopk_sae.py), whose inference is a jumprelu with unit rows
  std::optional<InferenceForm> inference_form() const override {
    if (p_.infer_k > 0 || p_.theta > 0) return AffineSae::inference_form();
    InferenceForm out{"jumprelu",
                      Value::Table{{"d_sae", p_.d_sae},
                                   {"centre", centres()},
                                   {"centre_across", centres()},
                                   {"skip", p_.skip}},
                      plain_tensors()};
    out.tensors.emplace_back("threshold",
                             threshold_.clamp_min(0).to(at::kFloat).expand({p_.d_sae}));
    return out;
  }

 private:
  Tensor wide(double value) const {
    return at::full({}, value, w_dec_.detach().options().dtype(at::kDouble));
  }
  bool selects_by_norm() const override { return p_.select_by_norm; }

  Tensor active(const Tensor& pre, Mode mode) override {
    const Tensor z = activations(pre);
    return z * chosen(z.detach(), mode);
  }
  Tensor activations(const Tensor& pre) const override {
    return p_.select_by_norm ? pre.relu() * row_norms(w_dec_) : pre.relu();
  }

  // Which of the activations [n, m] are kept: [n, m] bool.
  Tensor chosen(const Tensor& z, Mode mode) {
    const at::NoGradGuard no_grad;
    if (mode == Mode::infer) return z > threshold_.clamp_min(0);
    const auto most = static_cast<int64_t>(p_.k * static_cast<double>(z.size(0)));
    const auto [value, place] = z.flatten().topk(most, 0, true, false);
    follow(value);
    return at::zeros({z.numel()}, z.options().dtype(at::kBool)).scatter_(0, place, true).view_as(z);
  }

  // The running mean of the least positive activation that a batch keeps. source: as peer_forms()
  void follow(const Tensor& kept) {
    const Tensor least = at::where(kept > 0, kept, kept.max()).min().to(at::kDouble);
    const Tensor next = at::where(threshold_ == kUnset, least,
                                  threshold_ + p_.threshold_rate * (least - threshold_));
    threshold_.copy_(at::where(batches_ >= p_.threshold_after, next, threshold_));
    batches_.add_(1);
  }

  BatchTopKParams p_;
  Tensor threshold_, batches_;  // [] float64
};

}  // namespace

FACET_PLUGIN("facet.sae.batch_topk", FACET_VERSION) {
  registry.add_sae<BatchTopK>(
      "batch_topk", "The largest activations of a whole batch (arXiv:2412.06410).", schema());
}
