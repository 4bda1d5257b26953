// jumprelu: a latent is what exceeds a threshold of its own, which learns; the penalty is on their
// number. Source: Rajamanoharan et al. 2024, "Jumping Ahead", arXiv:2407.14435; the forms of its
// peers by `compat`.
#include <facet/plugin.h>
#include <facet/torch.h>

#include "dense_sae.h"
#include "jump.h"
#include "ranks.h"

using namespace facet;

namespace {

struct JumpReluParams : AffineForm {
  std::string compat = "none";
  double threshold = 1e-3;
  double bandwidth = 1e-3;
  double l0_coefficient = 1e-3;
  double l0_target = 0;
  std::string l0_on = "pre";
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
      .field("l0_target", &P::l0_target,
             "The L0 term is (L0 / l0_target - 1)^2 (dictionary_learning); 0: L0 itself.",
             at_least(0))
      .field("l0_on", &P::l0_on,
             "What the L0 term counts: pre-activations above the threshold, or codes, of which "
             "those below are 0 and teach it nothing.",
             one_of({"pre", "post"}))
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
             "at_least_one: needs threshold_learns = false");
  return add_affine_fields(schema);
}

class JumpRelu final : public DenseSae {
 public:
  JumpRelu(const JumpReluParams& p, const Shape& shape, Init& init)
      : DenseSae("jumprelu", p, shape, init),
        p_(p),
        threshold_(
            kept(at::full({p.d_sae}, static_cast<float>(p.threshold), w_dec_.detach().options()))) {
  }  // [m]

  Pass pass(const Batch& batch, Mode mode) override {
    if (p_.threshold_floor && mode == Mode::train) {
      const at::NoGradGuard no_grad;
      threshold_.clamp_min_(0);
    }
    return DenseSae::pass(batch, mode);
  }

  Losses losses(const Pass& pass, const Step& step) override {
    Losses losses = {error(pass, step)};
    if (p_.l0_coefficient > 0) losses.push_back(l0_term(pass, step));
    add_dead_terms(losses, pass, step);
    return losses;
  }

  std::vector<std::string> estimated() const override { return {"threshold"}; }

  Value saelens() const override {
    // SAELens' inference cuts thresholds at 0, and its thresholds are parameters.
    if (!is_plain() || !p_.threshold_learns || threshold_.lt(0).any().item<bool>()) return {};
    return Value::Table{{"architecture", saelens_architecture("jumprelu")},
                        {"apply_b_dec_to_input", centres()}};
  }

 private:
  Tensor kept(const Tensor& threshold) {
    return p_.threshold_learns ? param("threshold", threshold) : buffer("threshold", threshold);
  }
  Tensor active(const Tensor& pre, Mode) override {
    return p_.threshold_learns ? jump(pre, threshold_, p_.bandwidth) : above_fixed(pre);
  }
  // source: OpenSAE 978f094, sparse_activations.py 17-35
  Tensor above_fixed(const Tensor& pre) const {
    constexpr double kBelow = 1e-6;
    const Tensor positive = pre.relu();  // [n, m]
    if (!p_.at_least_one) return positive * positive.detach().gt(threshold_);
    const Tensor most = positive.detach().amax({1}, true);  // [n, 1]
    const Tensor above = at::where(most < threshold_, most - kBelow, threshold_);
    return positive * positive.detach().gt(above);
  }
  Tensor threshold() const override { return threshold_; }

  Loss l0_term(const Pass& pass, const Step& step) const {
    const Tensor& on = pass.notes.at(p_.l0_on == "pre" ? "pre" : "active");
    const Tensor l0 = mean_of_rows(step, step_above(on, threshold_, p_.bandwidth).sum(1));
    const Tensor term = p_.l0_target > 0 ? (l0 / p_.l0_target - 1).square() : l0;
    return {"l0_penalty", term * p_.l0_coefficient, true};
  }

  JumpReluParams p_;
  Tensor threshold_;
};

}  // namespace

FACET_PLUGIN("facet.sae.jumprelu", FACET_VERSION) {
  registry.add_sae<JumpRelu>("jumprelu", "Latents above thresholds that learn (arXiv:2407.14435).",
                             schema());
}
