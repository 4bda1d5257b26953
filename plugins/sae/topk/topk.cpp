// TopK: each row keeps its k largest latents; AuxK teaches dead latents the residual.
// Source: Gao et al. 2024, "Scaling and evaluating sparse autoencoders", arXiv:2406.04093;
// inference as in SAELens 6.54 (topk_sae.py), training as in dictionary_learning 0.1.0
// (trainers/top_k.py).
#include <facet/plugin.h>
#include <facet/torch.h>

#include <algorithm>

#include "aux.h"
#include "decoder_norm.h"
#include "revive.h"
#include "start.h"

using namespace facet;

namespace {

struct TopKParams {
  std::string compat = "none";
  int64_t d_sae = 0;
  int64_t k = 32;
  int64_t infer_k = 0;
  double theta = 0.0;
  int64_t k_aux = 0;
  std::string aux = "variance";
  double aux_coefficient = 1.0 / 32;
  bool select_by_norm = false;
  bool unit_norm_decoder = true;
  double decoder_init_norm = 0.1;
  std::string b_dec_start = "geometric_median";
};

// What each peer's trainer does. source: SAELens 6.54.12 (topk_sae.py); dictionary_learning 0.1.0
// (trainers/top_k.py), whose form the defaults are
std::map<std::string, Value> peer_forms() {
  return {{"saelens", Value::Table{{"aux", "scaled"},
                                   {"aux_coefficient", 1.0},
                                   {"select_by_norm", true},
                                   {"unit_norm_decoder", false},
                                   {"b_dec_start", "zero"}}},
          {"dictionary_learning", Value::Table()}};
}

Schema<TopKParams> schema() {
  return Schema<TopKParams>()
      .field("compat", &TopKParams::compat, "Stands for the form of a peer; keys that are set win.",
             one_of({"none", "saelens", "dictionary_learning"}))
      .presets("compat", peer_forms())
      .field("d_sae", &TopKParams::d_sae, "Number of latents.", required, at_least(1))
      .field(
          "k", &TopKParams::k,
          "Latents kept per row: the largest pre-activations, then ReLU (Gao et al. 2024, eq. 3).",
          at_least(1))
      .field("infer_k", &TopKParams::infer_k,
             "Latents kept per row once trained; 0 keeps k (RouteSAE's infer_k).", at_least(0))
      .field(
          "theta", &TopKParams::theta,
          "Once trained, keep every pre-activation above theta instead of the k largest; 0 is off "
          "(RouteSAE's theta).",
          at_least(0))
      .field(
          "k_aux", &TopKParams::k_aux,
          "Dead latents per row that reconstruct the residual in the loss auxk; 0 takes d_in / 2 "
          "(Gao et al. 2024, appendix A.2, near d_in / 2).",
          at_least(0))
      .field("aux", &TopKParams::aux,
             "The form of auxk: a share of the error's variance, scaled by the share of dead "
             "latents, or one that moves the error too.",
             one_of(aux_words()))
      .field("select_by_norm", &TopKParams::select_by_norm,
             "Codes are pre-activations times the norm of their row of W_dec, and are ranked so "
             "(SAELens' rescale_acts_by_decoder_norm).")
      .field("aux_coefficient", &TopKParams::aux_coefficient,
             "Weight of auxk, already inside the loss that is reported; 0 leaves it out (1/32 in "
             "Gao et al. "
             "2024, appendix A.2).",
             at_least(0))
      .field("unit_norm_decoder", &TopKParams::unit_norm_decoder,
             "Keep rows of W_dec at norm 1: gradients lose their part along the row, rows are "
             "normalised "
             "after each step (dictionary_learning, trainers/top_k.py).")
      .field("decoder_init_norm", &TopKParams::decoder_init_norm,
             "Norm of the rows of W_dec at the start, when unit_norm_decoder is false (SAELens' "
             "decoder_init_norm).",
             above(0))
      .field("b_dec_start", &TopKParams::b_dec_start,
             "What b_dec is before the first step, from the first batch (geometric median: Gao et "
             "al. 2024, "
             "appendix A.1).",
             one_of(b_dec_words()))
      .check([](const TopKParams& p) {
        return p.k <= p.d_sae ? "" : "k: " + exceeds(p.k, "d_sae", p.d_sae);
      })
      .check([](const TopKParams& p) {
        return p.infer_k <= p.d_sae ? "" : "infer_k: " + exceeds(p.infer_k, "d_sae", p.d_sae);
      })
      .check([](const TopKParams& p) { return p.infer_k == 0 || p.theta == 0; },
             "infer_k and theta exclude each other");
}

class TopK final : public PlainSae {
 public:
  TopK(const TopKParams& p, const Shape& shape, Init& init)
      : p_(p),
        norm_{p.unit_norm_decoder ? "after_step" : "never", 1, p.unit_norm_decoder},
        w_dec_(param("W_dec",
                     init.uniform({p.d_sae, shape.d_out},
                                  p.unit_norm_decoder ? 1.0 : p.decoder_init_norm))),  // [m, d]
        w_enc_(param("W_enc", w_dec_.detach().t())),                                   // [d, m]
        b_enc_(param("b_enc", at::zeros({p.d_sae}, w_dec_.options()))),                // [m]
        b_dec_(param("b_dec", at::zeros({shape.d_out}, w_dec_.options()))) {           // [d]
    check_one_hookpoint("topk", shape);
  }

  void start(const Batch& first) override {
    start_b_dec(p_.b_dec_start, first.input.select(1, 0), b_dec_);
  }

  Codes encode(const Tensor& x, Mode mode) override {
    if (mode == Mode::infer && p_.theta > 0) {
      const Tensor pre = ops::pre_activations(x, w_enc_, b_enc_, b_dec_);  // [n, m]
      return Codes::of(at::where(pre <= p_.theta, at::zeros({}, pre.options()), pre));
    }
    const int64_t k = mode == Mode::infer ? inference_k() : p_.k;
    if (!p_.select_by_norm) return ops::encode_topk(x, w_enc_, b_enc_, b_dec_, k);
    const Tensor norm = row_norms(w_dec_);
    return ops::encode_topk(x, w_enc_ * norm, b_enc_ * norm, b_dec_, k);
  }

  Tensor decode(const Codes& codes) override { return ops::decode(codes, decoder(0), b_dec_); }
  Tensor decoder(int64_t) const override {
    return p_.select_by_norm ? w_dec_ / row_norms(w_dec_).unsqueeze(1) : w_dec_;
  }

  Losses losses(const Pass& pass, const Step& step) override {
    const Tensor error = (pass.target - pass.output).select(1, 0);  // [n, d]
    Losses losses = {{"mse", mean_squared_error(pass, step)}};
    const AuxForm form{p_.aux, p_.aux_coefficient, p_.k_aux, p_.select_by_norm};
    if (auto auxk =
            aux_term(form, {w_enc_, b_enc_, b_dec_, w_dec_}, pass.notes.at("input"), error, step))
      losses.push_back(std::move(*auxk));
    return losses;
  }

  void revive(const Tensor& latents, const Batch& batch) override {
    revive_latents(latents, batch.target.select(1, 0), w_enc_, b_enc_, b_dec_, w_dec_);
  }

  void after_backward() override { norm_.after_backward(w_dec_); }

  void after_step() override { norm_.after_step(w_dec_, 0); }

  // With select_by_norm codes are in the rows' units, and ranked so: a number changes no rank.
  bool fold(const RowMap& map) override {
    if (p_.select_by_norm && (p_.theta > 0 || !map.scale.defined())) return false;
    return ops::fold_rows(map, {w_enc_, b_enc_, w_dec_, b_dec_, true});
  }

  // Norms of W_dec move into the encoder. source: SAELens 6.54, sae.py, fold_W_dec_norm
  std::optional<InferenceForm> inference_form() const override {
    if (!p_.select_by_norm || p_.theta > 0) return std::nullopt;
    const Tensor norm = row_norms(w_dec_);
    return InferenceForm{"topk",
                         Value::Table{{"d_sae", p_.d_sae}, {"k", inference_k()}},
                         {{"W_dec", w_dec_ / norm.unsqueeze(1)},
                          {"W_enc", w_enc_ * norm},
                          {"b_enc", b_enc_ * norm},
                          {"b_dec", b_dec_}}};
  }

  std::vector<std::string> estimated() const override { return {"auxk"}; }  // the error is fixed

  Value saelens() const override {
    if (p_.theta > 0) return {};  // SAELens' topk knows no threshold
    Value cfg;
    cfg.set("architecture", "topk");
    cfg.set("k", inference_k());
    cfg.set("apply_b_dec_to_input", true);
    cfg.set("rescale_acts_by_decoder_norm", p_.select_by_norm);
    return cfg;
  }

 private:
  int64_t inference_k() const { return p_.infer_k > 0 ? p_.infer_k : p_.k; }

  TopKParams p_;
  DecoderNorm norm_;
  Tensor w_dec_, w_enc_, b_enc_, b_dec_;
};

}  // namespace

FACET_PLUGIN("facet.sae.topk", FACET_VERSION) {
  registry.add_sae<TopK>("topk", "Keeps the k largest latents of each row (arXiv:2406.04093).",
                         schema());
}
