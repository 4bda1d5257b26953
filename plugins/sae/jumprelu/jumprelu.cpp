// jumprelu: a latent is what exceeds a threshold of its own, which learns; the penalty is on their
// number. Source: Rajamanoharan et al. 2024, "Jumping Ahead", arXiv:2407.14435; the forms of its
// peers by `compat`.
#include <facet/plugin.h>
#include <facet/torch.h>

#include "dense_sae.h"
#include "facet/ops.h"
#include "ranks.h"

using namespace facet;

namespace {

struct JumpReluParams : AffineForm {
  std::string compat = "none";
  double threshold = 1e-3;
  double bandwidth = 1e-3;
  double l0_coefficient = 1e-3;
  std::string l0_mode = "step";
  double l0_target = 0;
  double tanh_scale = 4;
  double tanh_frequency = 0.01;
  std::string l0_on = "pre";
  bool ste_to_input = false;
  bool log_threshold = false;
  bool threshold_floor = true;
  bool threshold_learns = true;
  bool at_least_one = false;
};

// What each peer's trainer does. source: SAELens 6.54.12 (jumprelu_sae.py), dictionary_learning
// 0.1.0 (trainers/jumprelu.py), RouteSAE-repro 601b854 (model.py 156-281), OpenSAE 978f094
// (sparse_activations.py)
std::map<std::string, Value> peer_forms() {
  const auto routesae = [](int64_t every) {
    return Value::Table{{"error", "nmse"},          {"encoder_start", "width"},
                        {"l0_on", "post"},          {"l0_coefficient", 5e-4},
                        {"threshold_floor", false}, {"decoder_norm_every", every},
                        {"project_gradient", false}};
  };
  return {{"saelens", Value::Table{{"error_in", "host"},
                                   {"threshold", 0.01},
                                   {"bandwidth", 0.05},
                                   {"l0_coefficient", 1.0},
                                   {"decoder_norm", "never"},
                                   {"project_gradient", false},
                                   {"decoder_init_norm", 0.1}}},
          {"dictionary_learning", Value::Table{{"centre", false},
                                               {"l0_on", "post"},
                                               {"l0_coefficient", 1.0},
                                               {"l0_target", 20.0},
                                               {"threshold_floor", false}}},
          {"opensae", Value::Table{{"error", "fvu_by_column"},
                                   {"encoder_start", "width"},
                                   {"error_in", "host"},
                                   {"threshold", 0.5},
                                   {"threshold_learns", false},
                                   {"at_least_one", true},
                                   {"l0_coefficient", 0.0},
                                   {"aux", "opensae"},
                                   {"decoder_norm", "before_pass"},
                                   {"b_dec_start", "geometric_median"}}},
          {"routesae", routesae(10)},
          {"routesae_repro", routesae(100)}};
}

Schema<JumpReluParams> schema() {
  using P = JumpReluParams;
  Schema<P> schema;
  schema
      .field("compat", &P::compat, "Stands for the form of a peer; keys that are set win.",
             one_of(words_of(peer_forms())))
      .presets("compat", peer_forms())
      .field("threshold", &P::threshold, "Every latent's threshold at the start.", at_least(0))
      .field("bandwidth", &P::bandwidth,
             "Width of the window around a threshold from which it learns (arXiv:2407.14435, "
             "epsilon).",
             above(0))
      .field("l0_coefficient", &P::l0_coefficient,
             "Weight of the L0 term, already inside the loss that is reported.", at_least(0))
      .field("l0_mode", &P::l0_mode,
             "The L0 term: step counts latents; quadratic is 2 / l0_target (L0 - l0_target)^2, row "
             "by row; tanh sums tanh(tanh_scale z |row of W_dec|), whose slope teaches weights "
             "too; tanh_quadratic weighs these by how often a latent fires.",
             one_of({"step", "quadratic", "tanh", "tanh_quadratic"}))
      .field("l0_target", &P::l0_target,
             "With l0_mode = step the L0 term is (L0 / l0_target - 1)^2 (dictionary_learning), or "
             "with 0 L0 itself; with quadratic the wanted L0.",
             at_least(0))
      .field("tanh_scale", &P::tanh_scale, "How fast the tanh of an activation saturates.",
             above(0))
      .field("tanh_frequency", &P::tanh_frequency,
             "With tanh_quadratic: the firing share at which a latent counts twice.", above(0))
      .field("l0_on", &P::l0_on,
             "What the L0 term counts: pre-activations above the threshold, or codes, of which "
             "those below are 0 and teach it nothing.",
             one_of({"pre", "post"}))
      .field("ste_to_input", &P::ste_to_input,
             "The straight-through estimates teach pre-activations too (SAELens' "
             "jumprelu_ste_to_input).")
      .field("log_threshold", &P::log_threshold,
             "What learns is the logarithm of the threshold (the paper; SAELens before 6.48).")
      .field("threshold_floor", &P::threshold_floor,
             "Keep thresholds at or above 0: set to 0 before each pass (SAELens).")
      .field("threshold_learns", &P::threshold_learns,
             "Thresholds learn; false: they stay what they are at the start (OpenSAE).")
      .field("at_least_one", &P::at_least_one,
             "With threshold_learns = false: a row with nothing above the thresholds keeps its "
             "largest activation (OpenSAE).")
      .check([](const P& p) { return p.threshold_learns || p.l0_coefficient == 0; },
             "l0_coefficient: must be 0 without threshold_learns, for it teaches thresholds alone")
      .check([](const P& p) { return !p.threshold_learns || !p.at_least_one; },
             "at_least_one: needs threshold_learns = false")
      .check([](const P& p) { return !p.log_threshold || (p.threshold_learns && p.threshold > 0); },
             "log_threshold: needs threshold_learns, and a threshold above 0")
      .check([](const P& p) { return p.l0_mode != "quadratic" || p.l0_target > 0; },
             "l0_target: must be above 0 with l0_mode = \"quadratic\"")
      .check([](const P& p) { return !p.l0_mode.starts_with("tanh") || p.l0_target == 0; },
             "l0_target: must be 0 with l0_mode = \"tanh\" or \"tanh_quadratic\", which know no "
             "target");
  return add_affine_fields(schema);
}

class JumpRelu final : public DenseSae {
 public:
  JumpRelu(const JumpReluParams& p, const Shape& shape, Init& init)
      : DenseSae("jumprelu", p, shape, init),
        p_(p),
        step_form_{p.bandwidth, p.ste_to_input},
        kept_(
            kept(at::full({p.d_sae}, static_cast<float>(p.threshold), w_dec_.detach().options()))) {
  }

  Pass pass(const Batch& batch, Mode mode) override {
    if (p_.threshold_floor && !p_.log_threshold && mode == Mode::train) {
      const at::NoGradGuard no_grad;
      kept_.clamp_min_(0);
    }
    return DenseSae::pass(batch, mode);
  }

  Losses losses(const Pass& pass, const Step& step) override {
    Losses losses = {error(pass, step)};
    if (p_.l0_coefficient > 0)
      losses.push_back({"l0_penalty", l0_term(pass, step) * p_.l0_coefficient, true});
    add_dead_terms(losses, pass, step);
    return losses;
  }

  std::vector<std::string> estimated() const override {
    if (p_.ste_to_input) return {"threshold", "log_threshold", "W_enc", "b_enc", "b_dec"};
    return {"threshold", "log_threshold"};
  }

  Value saelens() const override {
    // SAELens' inference cuts thresholds at 0, and its thresholds are parameters.
    if (!is_plain() || !p_.threshold_learns || p_.log_threshold || kept_.lt(0).any().item<bool>())
      return {};
    return Value::Table{{"architecture", saelens_architecture("jumprelu")},
                        {"apply_b_dec_to_input", centres()}};
  }

  std::optional<InferenceForm> inference_form() const override {
    if (p_.infer_k > 0 || p_.theta > 0 || !p_.log_threshold) return DenseSae::inference_form();
    return untied_form();
  }

 private:
  std::optional<InferenceForm> untied_form() const override {
    if (!p_.threshold_learns) return std::nullopt;  // at_least_one is no jumprelu that learns
    InferenceForm out = plain_form("jumprelu");
    out.tensors.emplace_back("threshold", threshold());
    return out;
  }
  Tensor kept(const Tensor& threshold) {
    if (p_.log_threshold) return param("log_threshold", threshold.log());
    return p_.threshold_learns ? param("threshold", threshold) : buffer("threshold", threshold);
  }
  // Leaves the note "count" [n], of pre-activations above the threshold, where that learns.
  Coded coded(const Tensor& pre, Mode) override {
    if (!p_.threshold_learns) {
      const Tensor z = above_fixed(pre);
      return {z, Codes::of(z), {}};
    }
    ops::Jumped z = ops::jump(pre, threshold(), step_form_);
    return {z.active, std::move(z.codes), {{"count", z.count}}};
  }
  Tensor inference_threshold() const override { return p_.at_least_one ? Tensor() : threshold(); }
  // source: OpenSAE 978f094, sparse_activations.py 17-35
  Tensor above_fixed(const Tensor& pre) const {
    constexpr double kBelow = 1e-6;
    const Tensor positive = pre.relu();  // [n, m]
    if (!p_.at_least_one) return positive * positive.detach().gt(kept_);
    const Tensor most = positive.detach().amax({1}, true);  // [n, 1]
    const Tensor above = at::where(most < kept_, most - kBelow, kept_);
    return positive * positive.detach().gt(above);
  }
  Tensor threshold() const override { return p_.log_threshold ? kept_.exp() : kept_; }

  // source: SAELens 6.54.12 (jumprelu_sae.py), dictionary_learning 0.1.0 (trainers/jumprelu.py);
  // tanh_quadratic: Llamascopium 2.0.0b34 (models/sparse_dictionary.py)
  Tensor l0_term(const Pass& pass, const Step& step) const {
    if (p_.l0_mode.starts_with("tanh")) {
      const Tensor norms = w_dec_.norm(2, {1});
      const Tensor soft = (pass.notes.at("active") * norms * p_.tanh_scale).tanh();  // [n, m]
      if (p_.l0_mode == "tanh") return mean_of_rows(step, soft.sum(1));
      const Tensor share = over_ranks(step, soft.sum(0)) / rows_of_ranks(step, soft);  // [m]
      return (share * (1 + share / p_.tanh_frequency)).sum();
    }
    const Tensor count =  // [n]
        p_.l0_on == "pre"
            ? pass.notes.at("count")
            : ops::step_above(pass.notes.at("active"), threshold(), step_form_).sum(1);
    if (p_.l0_mode == "quadratic")
      return mean_of_rows(step, (count - p_.l0_target).square()) * (2 / p_.l0_target);
    const Tensor l0 = mean_of_rows(step, count);
    return p_.l0_target > 0 ? (l0 / p_.l0_target - 1).square() : l0;
  }

  JumpReluParams p_;
  ops::StepForm step_form_;
  Tensor kept_;  // [m], the threshold or its logarithm
};

}  // namespace

FACET_PLUGIN("facet.sae.jumprelu", FACET_VERSION) {
  registry.add_sae<JumpRelu>("jumprelu", "Latents above thresholds that learn (arXiv:2407.14435).",
                             schema());
}
