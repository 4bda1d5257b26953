// route: one SAE for several hookpoints; a router chooses for each row which of them it codes.
// Source: Shi et al. 2025, "Route Sparse Autoencoder to Interpret Large Language Models",
// arXiv:2503.08200; code RouteSAE-repro 601b854 (src/model.py). The forms of both by `compat`.
#include <facet/plugin.h>
#include <facet/torch.h>

#include <cmath>

#include "affine_sae.h"
#include "facet/ops.h"
#include "hookpoints.h"
#include "ranks.h"

using namespace facet;

namespace {

struct RouteParams : AffineForm {
  RouteParams() { aux_coefficient = 1.0 / 32; }

  std::string compat = "none";
  int64_t k = 32;
  bool relu = true;
  std::string routing = "hard";
  std::string aggregate = "mean";
  bool router_bias = true;
  bool scale_by_weight = false;
  double router_coefficient = 1.0;
  double balance_coefficient = 0.01;
};

// What each source's trainer does.
std::map<std::string, Value> peer_forms() {
  const auto paper = [](int64_t every) {
    return Value::Table{{"relu", false},
                        {"aggregate", "sum"},
                        {"router_bias", false},
                        {"scale_by_weight", true},
                        {"router_coefficient", 0.0},
                        {"balance_coefficient", 0.0},
                        {"aux_coefficient", 0.0},
                        {"error", "nmse"},
                        {"encoder_start", "width"},
                        {"b_dec_start", "zero"},
                        {"decoder_norm_every", every},
                        {"project_gradient", false}};
  };
  return {{"routesae", paper(10)}, {"routesae_repro", paper(100)}};
}

Schema<RouteParams> schema() {
  using P = RouteParams;
  Schema<P> schema;
  schema
      .field("compat", &P::compat, "Stands for the form of a source; keys that are set win.",
             one_of({"none", "routesae", "routesae_repro"}))
      .presets("compat", peer_forms())
      .field("k", &P::k, "Latents kept per row: the largest pre-activations.", at_least(1))
      .field("relu", &P::relu,
             "Negative ones among the k become 0; the paper keeps them as they are.")
      .field("routing", &P::routing,
             "hard codes the row of the most likely hookpoint, soft the mean of all hookpoints' "
             "rows under the router's weights.",
             one_of({"hard", "soft"}))
      .field("aggregate", &P::aggregate, "What the router reads of a row's hookpoints.",
             one_of({"mean", "sum"}))
      .field("router_bias", &P::router_bias, "Give the router a bias; the paper has none.")
      .field("scale_by_weight", &P::scale_by_weight,
             "With hard routing, in training: multiply the chosen row by its weight, from which "
             "alone the paper's router learns. Its gradient is zero while b_enc and b_dec are.")
      .field("router_coefficient", &P::router_coefficient,
             "Weight of the loss router: the error that the router expects, each hookpoint's NMSE "
             "(held constant) times its weight; 0 leaves it out.",
             at_least(0))
      .field("balance_coefficient", &P::balance_coefficient,
             "Weight of the loss balance, which keeps hookpoints in use (Fedus et al. 2021, "
             "arXiv:2101.03961, eq. 4); 0 leaves it out.",
             at_least(0))
      .check([](const P& p) { return p.error_in == "normalised"; },
             "error_in must be normalised: what a soft route mixes has no units of the host")
      .check(
          [](const P& p) { return p.k <= p.d_sae ? "" : "k: " + exceeds(p.k, "d_sae", p.d_sae); });
  return add_affine_fields(schema);
}

Tensor entropy(const Tensor& p) { return -(p * p.clamp_min(1e-30).log()).sum(-1); }

class Route final : public AffineSae {
 public:
  Route(const RouteParams& p, const Shape& shape, Init& init)
      : AffineSae("route", p, {1, 1, shape.d_in, shape.d_out}, init),
        p_(p),
        points_(several_hookpoints("route", "chooses among", shape)),
        w_router_(
            param("W_router", init.uniform_within({points_, shape.d_in},
                                                  1 / std::sqrt(static_cast<double>(shape.d_in)))
                                  .t())) {
    if (p.router_bias) b_router_ = param("b_router", at::zeros({points_}, w_dec_.options()));
  }

  Shape shape(const Shape& stream) const override {
    return {stream.points_in, 1, stream.d_in, stream.d_out};
  }

  void start(const Batch& first) override {
    const at::NoGradGuard no_grad;
    AffineSae::start(routed(first, Mode::infer));
  }
  void revive(const Tensor& latents, const Batch& batch) override {
    const at::NoGradGuard no_grad;
    AffineSae::revive(latents, routed(batch, Mode::infer));
  }

  /// Beside those of PlainSae the notes "router" and "layer_weights" [n, points], "layers"
  /// [n, points, d], and with hard routing "layer" [n].
  Pass pass(const Batch& batch, Mode mode) override {
    const Tensor p = weights_of(batch.input);
    Pass out = AffineSae::pass(batch_of_rows(rows_of(batch.input, p, mode)), mode);
    out.notes["router"] = p;
    out.notes["layers"] = batch.input;
    out.notes["layer_weights"] = p.detach();
    if (hard()) note_layer(p.detach().argmax(1), p, out.notes);
    return out;
  }

  Codes encode(const Tensor& x, Mode mode) override {
    if (infers_otherwise(mode) && p_.theta > 0) return inferred(pre_activations_of(x));
    const int64_t k = mode == Mode::infer && p_.infer_k > 0 ? p_.infer_k : p_.k;
    const Dictionary w = dictionary();
    return ops::encode_topk(x, w.w_enc, w.b_enc, w.b_dec, k,
                            p_.relu ? ops::Negatives::zero : ops::Negatives::kept);
  }

  /// Of the row that its router chooses, or mixes.
  Tensor pre_activations(const Tensor& x) override {
    return pre_activations_of(rows_of(x, weights_of(x), Mode::infer));
  }

  Losses losses(const Pass& pass, const Step& step) override {
    Losses losses = {error(pass, step)};
    add_dead_terms(losses, pass, step);
    const Tensor& p = pass.notes.at("router");
    if (p_.router_coefficient > 0) {
      const Tensor expected = (p * errors(pass.notes.at("layers"))).sum(1);  // [n]
      losses.push_back({"router", mean_of_rows(step, expected) * p_.router_coefficient});
    }
    if (p_.balance_coefficient > 0) {
      const Tensor even = balance(p, pass.notes.at("layer_weights"), step);
      losses.push_back({"balance", even * p_.balance_coefficient});
    }
    return losses;
  }

  /// Replaces the live rows whose clean pass was routed to this hookpoint, without the router's
  /// weight as in the source's own hook (utils.py, RouteHook).
  Spliced splice(int64_t point, const Tensor& live, const Pass& seen) override {
    if (!hard())
      throw UserError(
          "sae: route: splice: soft routing mixes all hookpoints, so none has a row to "
          "replace; train with routing = \"hard\"");
    return splice_layer(*this, point, live, seen);
  }

  bool rows_may_wait() const override { return ranks_by_parameters(); }

  // No simpler architecture reads several hookpoints.
  std::optional<InferenceForm> inference_form() const override { return std::nullopt; }

  // The error of auxk and those of router are fixed.
  std::vector<std::string> estimated() const override { return {"auxk", "router"}; }

  /// router_gradient: norm of the gradient of W_router. router_entropy: mean over rows of the
  /// entropy of the weights, in nats; usage_entropy: the entropy of how rows fall to hookpoints.
  /// router_weight: mean over rows of the largest weight. usage_<i>: share of hookpoint i.
  Figures figures(const Pass& pass) const override {
    const at::NoGradGuard no_grad;
    const Tensor p = pass.notes.at("router").detach();
    const Tensor usage = pass.notes.at("layer_weights").mean(0);
    const Tensor gradient = w_router_.grad();
    Figures out = {
        {"router_gradient", gradient.defined() ? gradient.norm() : at::zeros({}, p.options())},
        {"router_entropy", entropy(p).mean()},
        {"router_weight", p.amax(1).mean()},
        {"usage_entropy", entropy(usage)}};
    for (int64_t i = 0; i < points_; ++i) out.emplace_back("usage_" + std::to_string(i), usage[i]);
    return out;
  }

 private:
  bool hard() const { return p_.routing == "hard"; }

  // The rows of a batch that are coded, as a batch of one hookpoint.
  Batch routed(const Batch& batch, Mode mode) const {
    return batch_of_rows(rows_of(batch.input, weights_of(batch.input), mode));
  }

  // The router's weights of rows [n, points, d]: [n, points].
  Tensor weights_of(const Tensor& x) const {
    const Tensor seen = p_.aggregate == "sum" ? x.sum(1) : x.mean(1);
    const Tensor logits = seen.matmul(w_router_);
    return (b_router_.defined() ? logits + b_router_ : logits).softmax(1);
  }

  // The rows that are coded: [n, d].
  Tensor rows_of(const Tensor& x, const Tensor& p, Mode mode) const {
    if (!hard()) return (x * p.unsqueeze(2)).sum(1);
    const Tensor layer = p.detach().argmax(1);  // [n]
    const Tensor chosen = rows_at(x, layer);
    if (!p_.scale_by_weight || mode != Mode::train) return chosen;
    return chosen * p.gather(1, layer.unsqueeze(1));
  }

  // NMSE of each row at each hookpoint, a constant: [n, points].
  Tensor errors(const Tensor& x) {
    const at::NoGradGuard no_grad;
    const Tensor rows = x.flatten(0, 1);  // [n * points, d]
    const Tensor square = (decode(encode(rows, Mode::train)) - rows).square().sum(1);
    const Tensor energy = rows.square().sum(1);
    const Tensor share = at::where(energy > 0, square / energy, at::zeros_like(square));
    return share.view({x.size(0), x.size(1)});
  }

  // points * sum over hookpoints of (share of rows) * (mean weight): 1 when both are even.
  Tensor balance(const Tensor& p, const Tensor& chosen, const Step& step) const {
    const Tensor rows = rows_of_ranks(step, p);
    const Tensor share = over_ranks(step, chosen.sum(0)) / rows;
    return (share * (over_ranks(step, p.sum(0)) / rows)).sum() * static_cast<double>(points_);
  }

  RouteParams p_;
  int64_t points_;
  Tensor w_router_, b_router_;  // [d, points], [points]
};

}  // namespace

FACET_PLUGIN("facet.sae.route", FACET_VERSION) {
  registry.add_sae<Route>(
      "route", "One TopK for several hookpoints, one of them for each row (arXiv:2503.08200).",
      schema());
}
