// crosscoder: one set of latents for several hookpoints, read from all and written to all.
// Source: Lindsey et al. 2024, "Sparse Crosscoders for Cross-Layer Features and Model Diffing",
// transformer-circuits.pub; the form of RouteSAE-repro 601b854 (src/model.py) by `compat`.
#include <facet/plugin.h>
#include <facet/torch.h>

#include "aux.h"
#include "decoder_norm.h"
#include "facet/ops.h"
#include "hookpoints.h"
#include "revive.h"
#include "start.h"
#include "terms.h"

using namespace facet;

namespace {

struct CrosscoderParams {
  int64_t d_sae = 0;
  std::string compat = "none";
  std::string error = "mse";
  std::string error_over = "all";
  double l1_coefficient = 1e-3;
  std::string l1 = "l1_weighted";
  int64_t k = 0;
  int64_t infer_k = 0;
  double theta = 0;
  bool relu = true;
  bool decoder_bias = true;
  std::string b_dec_start = "zero";
  std::string encoder_start = "decoder";
  double decoder_init_norm = 0.1;
  int64_t decoder_norm_every = 0;
  double aux_coefficient = 0;
  int64_t k_aux = 0;
};

// What RouteSAE's trainer does.
std::map<std::string, Value> peer_forms() {
  const auto routesae = [](int64_t every) {
    return Value::Table{
        {"error", "nmse"},          {"error_over", "each"},  {"l1", "l1_by_element"},
        {"l1_coefficient", 5e-4},   {"decoder_bias", false}, {"encoder_start", "width"},
        {"decoder_init_norm", 1.0}, {"relu", false},         {"decoder_norm_every", every}};
  };
  return {{"routesae", routesae(10)}, {"routesae_repro", routesae(100)}};
}

Schema<CrosscoderParams> schema() {
  using P = CrosscoderParams;
  Schema<P> schema;
  const auto within = [](const char* name, int64_t P::*key) {
    return [name, key](const P& p) {
      return p.*key <= p.d_sae ? "" : name + (": " + exceeds(p.*key, "d_sae", p.d_sae));
    };
  };
  schema.field("d_sae", &P::d_sae, "Number of latents.", required, at_least(1))
      .field("compat", &P::compat, "Stands for the form of a source; keys that are set win.",
             one_of({"none", "routesae", "routesae_repro"}))
      .presets("compat", peer_forms())
      .field("error", &P::error,
             "The error term: mse sums over the width, mse_by_element is its mean, nmse is a share "
             "of each row's energy, l2_loss is the mean length of the error, fvu is a share of the "
             "batch's variance, fvu_by_column the mean of such shares over the width.",
             one_of(error_words()))
      .field("error_over", &P::error_over,
             "all: a row's hookpoints are one long row, so that mse sums over them (the paper); "
             "each: the mean over hookpoints of the term of each (RouteSAE).",
             one_of({"all", "each"}))
      .field("l1_coefficient", &P::l1_coefficient,
             "Weight of the L1 term, already inside the loss that is reported; of no effect with "
             "k.",
             at_least(0))
      .field("l1", &P::l1,
             "The L1 term: l1 sums over latents, l1_weighted weighs each by the sum over "
             "hookpoints of the norms of its rows of W_dec (the paper), l1_by_element is the mean "
             "over latents.",
             one_of(l1_words()))
      .field("k", &P::k,
             "Latents kept per row, the largest pre-activations, in place of the L1 term; 0: every "
             "positive one.",
             at_least(0))
      .field("infer_k", &P::infer_k,
             "Latents kept per row once trained: the largest pre-activations; 0: as in training.",
             at_least(0))
      .field("theta", &P::theta, "Once trained, keep every pre-activation above theta; 0 is off.",
             at_least(0))
      .field("relu", &P::relu,
             "With k or infer_k: negative ones among those kept become 0; RouteSAE keeps them as "
             "they are.")
      .field("decoder_bias", &P::decoder_bias, "Add b_dec; RouteSAE has none.")
      .field("b_dec_start", &P::b_dec_start,
             "What b_dec is before the first step, from the first batch.", one_of(b_dec_words()))
      .field("encoder_start", &P::encoder_start,
             "How W_enc is drawn at each hookpoint: as W_dec transposed, or uniform within "
             "1/sqrt(width), 1/sqrt(latents), sqrt(6/latents) or sqrt(6/(width + latents)), W_dec "
             "then being its transpose.",
             one_of(encoder_start_words()))
      .field("decoder_init_norm", &P::decoder_init_norm,
             "Norm of the rows of W_dec at each hookpoint at the start; 0: as W_enc was drawn.",
             at_least(0))
      .check([](const P& p) { return p.decoder_init_norm > 0 || p.encoder_start != "decoder"; },
             "decoder_init_norm: must be above 0 with encoder_start = \"decoder\"")
      .field("decoder_norm_every", &P::decoder_norm_every,
             "Set the rows of W_dec at each hookpoint to norm 1 every so many steps (RouteSAE); 0: "
             "never. Norms say at which hookpoints a latent is at home.",
             at_least(0), unit("steps"))
      .field("aux_coefficient", &P::aux_coefficient,
             "Weight of auxk, with which dead latents learn what the live ones leave over, a row's "
             "hookpoints being one long row; already inside the loss that is reported; 0 leaves it "
             "out (1/32 in Gao et al. 2024, appendix A.2).",
             at_least(0))
      .field("k_aux", &P::k_aux, "Dead latents per row in auxk; 0: half of hookpoints times width.",
             at_least(0))
      .check(within("k", &P::k))
      .check(within("infer_k", &P::infer_k))
      .check([](const P& p) { return p.infer_k == 0 || p.theta == 0; },
             "infer_k and theta exclude each other");
  return schema;
}

int64_t points_of(const Shape& shape) {
  if (shape.points_in > 1 && shape.points_in != shape.points_out)
    throw UserError("sae: crosscoder: reconstructs the hookpoints that it reads: is given " +
                    std::to_string(shape.points_in) + " and should return " +
                    std::to_string(shape.points_out));
  return several_hookpoints("crosscoder", "reconstructs", shape);
}

// W_enc [points, d, m], with the strides of [m, points, d]; W_dec [m, points, d].
StartWeights drawn_weights(const CrosscoderParams& p, const Shape& shape, Init& init) {
  std::vector<Tensor> encoders, decoders;  // [m, d] each
  const Shape at_one{1, 1, shape.d_in, shape.d_out};
  for (int64_t point = 0; point < points_of(shape); ++point) {
    const StartWeights one =
        start_weights({p.encoder_start, "encoder", p.decoder_init_norm}, at_one, p.d_sae, init);
    encoders.push_back(one.w_enc.t());
    decoders.push_back(one.w_dec);
  }
  return {at::stack(encoders, 1).permute({1, 2, 0}), at::stack(decoders, 1)};
}

/// W_enc [points, d, d_sae], b_enc [d_sae], W_dec [d_sae, points, d], b_dec [points, d]. A row's
/// hookpoints side by side are one row of points * d, for which W_enc and W_dec are matrices.
class Crosscoder final : public Sae {
 public:
  Crosscoder(const CrosscoderParams& p, const Shape& shape, Init& init)
      : Crosscoder(p, shape, drawn_weights(p, shape, init)) {}

  void start(const Batch& first) override {
    if (!b_dec_.defined()) return;
    Tensor flat = b_dec_.detach().view({-1});
    start_b_dec(p_.b_dec_start, first.input.flatten(1), flat);
  }

  /// Leaves the notes "input" [n, points, d] and, where every latent is worked out, "active"
  /// [n, d_sae] and "sum" [n], of its rows.
  Pass pass(const Batch& batch, Mode mode) override {
    const Tensor x = batch.input.flatten(1);  // [n, points * d]
    Pass out;
    out.target = batch.target;
    out.notes["input"] = batch.input;
    const int64_t k = mode == Mode::infer && p_.infer_k > 0 ? p_.infer_k : p_.k;
    Tensor written;  // [n, points * d]
    if (k > 0 && (mode == Mode::train || p_.theta == 0)) {
      out.codes = ops::encode_topk(x, encoder(), b_enc_, Tensor(), k,
                                   p_.relu ? ops::Negatives::zero : ops::Negatives::kept);
      written = ops::decode(out.codes, w_dec_.flatten(1), decoder_bias());
    } else {
      ops::Rectified z = coded(x, mode);
      out.codes = std::move(z.codes);
      out.notes["active"] = z.active;
      out.notes["sum"] = z.sum;
      written = ops::affine(z.active, w_dec_.flatten(1), decoder_bias());
    }
    out.output = written.view_as(batch.input);
    return out;
  }

  Losses losses(const Pass& pass, const Step& step) override {
    step_ = step.index;
    Losses losses = {error(pass, step)};
    if (p_.k == 0 && p_.l1_coefficient > 0)
      losses.push_back(l1_term(p_.l1, p_.l1_coefficient, pass.notes.at("active"), w_dec_, step,
                               pass.notes.at("sum")));
    add_auxk(losses, pass, step);
    return losses;
  }

  /// The live rows of a hookpoint become what the clean pass reconstructed there: latents are read
  /// from all hookpoints, of which a hook at one sees only its own.
  Spliced splice(int64_t point, const Tensor& live, const Pass& seen) override {
    Spliced out;
    out.rows = seen.output.select(1, point).to(live.dtype());
    out.replaced = at::ones({live.size(0)}, live.detach().options().dtype(at::kBool));
    out.codes = seen.codes;
    return out;
  }

  Tensor pre_activations(const Tensor& x) override {
    return ops::pre_activations(x.flatten(1), encoder(), b_enc_, Tensor());
  }

  Tensor reconstruction(const Codes& codes) override {
    return ops::decode(codes, w_dec_.flatten(1), decoder_bias())
        .view({-1, points_, w_dec_.size(2)});
  }

  Tensor decoder(int64_t point) const override { return w_dec_.select(1, point); }

  /// nmse_<i>: mean over rows of the share of the energy at hookpoint i that is left over.
  Figures figures(const Pass& pass) const override {
    const at::NoGradGuard no_grad;
    const Tensor share = (pass.output - pass.target).square().sum(2) /
                         pass.target.square().sum(2).clamp_min(kLeastEnergy);
    Figures out;
    for (int64_t i = 0; i < points_; ++i)
      out.emplace_back("nmse_" + std::to_string(i), share.select(1, i).mean());
    return out;
  }

  void revive(const Tensor& latents, const Batch& batch) override {
    const at::NoGradGuard no_grad;
    const Tensor x = batch.target.flatten(1);  // [latents, points * d]
    revive_latents(latents, {x, x, /*centred=*/false},
                   {encoder(), b_enc_, decoder_bias(), w_dec_.view({p_.d_sae, -1})});
    if (p_.decoder_norm_every > 0) normalise(0);
  }

  void after_step() override {
    if (p_.decoder_norm_every > 0) normalise(step_);
  }

  std::vector<std::string> estimated() const override { return {"auxk"}; }  // the error is fixed

  /// Hookpoint by hookpoint, where there is a b_dec.
  bool fold(const RowMap& map) override {
    const int64_t points = map.scale.defined() ? map.scale.size(0) : map.matrix.size(0);
    if (!b_dec_.defined() || points != points_) return false;
    const at::NoGradGuard no_grad;
    const auto at_point = [](const Tensor& t, int64_t point) {
      return t.defined() ? t.slice(0, point, point + 1) : t;
    };
    for (int64_t i = 0; i < points_; ++i) {
      const RowMap one{at_point(map.mean, i), at_point(map.scale, i), at_point(map.matrix, i),
                       at_point(map.inverse, i)};
      const ops::PlainWeights weights{w_enc_.select(0, i), b_enc_, w_dec_.select(1, i),
                                      b_dec_.select(0, i), /*centred=*/false};
      if (!ops::fold_rows(one, weights)) return false;
    }
    return true;
  }

 private:
  static constexpr double kLeastEnergy = 1e-30;

  Crosscoder(const CrosscoderParams& p, const Shape& shape, const StartWeights& drawn)
      : p_(p),
        points_(points_of(shape)),
        w_dec_(param("W_dec", drawn.w_dec)),
        w_enc_(param("W_enc", drawn.w_enc)),
        b_enc_(param("b_enc", at::zeros({p.d_sae}, w_dec_.detach().options()))),
        norm_{"after_step", p.decoder_norm_every, /*project=*/false} {
    if (p.decoder_bias)
      b_dec_ = param("b_dec", at::zeros({points_, shape.d_in}, w_dec_.detach().options()));
  }

  Tensor encoder() const { return w_enc_.view({-1, p_.d_sae}); }  // [points * d, m]
  Tensor decoder_bias() const {                                   // [points * d]
    return b_dec_.defined() ? b_dec_.view({-1}) : at::zeros({encoder().size(0)}, w_enc_.options());
  }

  // The codes of rows x [n, points * d] where every latent is worked out.
  ops::Rectified coded(const Tensor& x, Mode mode) const {
    const Tensor pre = ops::pre_activations(x, encoder(), b_enc_, Tensor());
    if (mode == Mode::train || p_.theta == 0) return ops::rectify(pre);
    return ops::rectify(at::where(pre <= p_.theta, at::zeros({}, pre.options()), pre));
  }

  Loss error(const Pass& pass, const Step& step) const {
    if (p_.error_over == "all") return error_term(p_.error, pass, step);
    Tensor sum = at::zeros({}, pass.output.options());
    for (int64_t i = 0; i < points_; ++i) {
      const Pass one{{}, pass.output.slice(1, i, i + 1), pass.target.slice(1, i, i + 1), {}};
      sum = sum + error_term(p_.error, one, step).value;
    }
    return {p_.error, sum / static_cast<double>(points_)};
  }

  void add_auxk(Losses& losses, const Pass& pass, const Step& step) const {
    if (p_.aux_coefficient == 0 || !step.dead.defined()) return;
    const Tensor dead = step.dead.nonzero().flatten();
    if (dead.size(0) == 0) return;
    const auto one_row = [](const Tensor& x) { return x.flatten(1).unsqueeze(1); };
    const AuxRows rows{pass.notes.at("input").flatten(1),
                       one_row(pass.output),
                       one_row(pass.target),
                       decoder_bias(),
                       {}};
    losses.push_back(aux_term({"variance", p_.aux_coefficient, p_.k_aux},
                              dead_part({encoder(), b_enc_, Tensor(), w_dec_.flatten(1)}, dead),
                              rows, step));
  }

  void normalise(int64_t step) const {
    Tensor rows = w_dec_.detach().view({-1, w_dec_.size(2)});  // one a latent and hookpoint
    norm_.after_step(rows, step);
  }

  CrosscoderParams p_;
  int64_t points_;
  Tensor w_dec_, w_enc_, b_enc_, b_dec_;  // as above
  DecoderNorm norm_;
  int64_t step_ = 0;  // of the last losses()
};

}  // namespace

FACET_PLUGIN("facet.sae.crosscoder", FACET_VERSION) {
  registry.add_sae<Crosscoder>(
      "crosscoder", "One set of latents read from and written to several hookpoints.", schema());
}
