// TopK: each row keeps its k largest latents; AuxK teaches dead latents the residual.
// Source: Gao et al. 2024, "Scaling and evaluating sparse autoencoders", arXiv:2406.04093;
// inference as in SAELens 6.54 (topk_sae.py), training as in dictionary_learning 0.1.0
// (trainers/top_k.py).
#include <facet/plugin.h>
#include <facet/torch.h>

#include <algorithm>

#include "affine_sae.h"

using namespace facet;

namespace {

struct TopKParams : AffineForm {
  TopKParams() {
    aux_coefficient = 1.0 / 32;
    b_dec_start = "geometric_median";
  }
  std::string compat = "none";
  int64_t k = 32;
  int64_t k_start = 0;
  int64_t k_anneal = 0;
  int64_t infer_k = 0;
  double theta = 0.0;
  bool relu = true;
  bool select_by_norm = false;
};

// What each peer's trainer does. sources: SAELens 6.54.12 (topk_sae.py); dictionary_learning 0.1.0
// (trainers/top_k.py), whose form the defaults are; RouteSAE-repro 601b854 (model.py 284-394);
// eai-sparsify 1.3.3 (sparse_coder.py, trainer.py); OpenSAE 978f094 (modeling_open_sae.py);
// sparse_autoencoder 4965b941 (train.py); BatchTopK b9aab1c (sae.py); InterProt 287c373
// (sae_model.py); Rep_SAEs_PLMs de2b02f (sparse_auto_script.py); SAE_Helix_mRNA
// (sparse_autoencoder.py), untied
std::map<std::string, Value> peer_forms() {
  const auto routesae = [](int64_t every) {
    return Value::Table{
        {"error", "nmse"},          {"encoder_start", "width"},    {"relu", false},
        {"aux_coefficient", 0.0},   {"decoder_norm_every", every}, {"b_dec_start", "zero"},
        {"project_gradient", false}};
  };
  return {{"saelens", Value::Table{{"error_in", "host"},
                                   {"aux", "scaled"},
                                   {"aux_coefficient", 1.0},
                                   {"select_by_norm", true},
                                   {"decoder_norm", "never"},
                                   {"project_gradient", false},
                                   {"decoder_init_norm", 0.1},
                                   {"b_dec_start", "zero"}}},
          {"dictionary_learning", Value::Table()},
          {"routesae", routesae(10)},
          {"routesae_repro", routesae(100)},
          {"sparsify", Value::Table{{"error", "fvu"},
                                    {"encoder_start", "width"},
                                    {"aux", "sparsify"},
                                    {"aux_coefficient", 0.0},
                                    {"decoder_norm", "before_pass"},
                                    {"b_dec_start", "mean"}}},
          {"opensae", Value::Table{{"error", "fvu_by_column"},
                                   {"encoder_start", "width"},
                                   {"error_in", "host"},
                                   {"aux", "opensae"},
                                   {"aux_coefficient", 0.0},
                                   {"decoder_norm", "before_pass"}}},
          {"openai", Value::Table{{"error", "mse_by_element"},
                                  {"encoder_start", "width"},
                                  {"error_coefficient", 0.0},
                                  {"aux", "openai"},
                                  {"k_aux", 256},
                                  {"decoder_norm", "after_backward"}}},
          {"bussmann", Value::Table{{"error", "mse_by_element"},
                                    {"encoder_start", "kaiming_latents"},
                                    {"encoder_bias", false},
                                    {"aux", "attached"},
                                    {"k_aux", 512},
                                    {"decoder_norm", "after_backward"},
                                    {"b_dec_start", "zero"}}},
          {"interprot", Value::Table{{"error", "mse_by_element"},
                                     {"encoder_start", "latents"},
                                     {"error_in", "host"},
                                     {"aux", "interprot"},
                                     {"decoder_norm", "after_backward"},
                                     {"decoder_norm_over", "columns"},
                                     {"b_dec_start", "zero"}}},
          {"rep_saes", Value::Table{{"error", "mse_by_element"},
                                    {"encoder_start", "latents"},
                                    {"decoder_init_norm", 0.0},
                                    {"error_in", "host"},
                                    {"aux", "rep_saes"},
                                    {"decoder_norm", "never"},
                                    {"project_gradient", false},
                                    {"b_dec_start", "zero"}}},
          {"helix_sae", Value::Table{{"error", "mse_by_element"},
                                     {"encoder_start", "xavier"},
                                     {"decoder_init_norm", 0.0},
                                     {"centre", false},
                                     {"decoder_bias", false},
                                     {"b_enc_start", -1.0},
                                     {"aux_coefficient", 0.0},
                                     {"decoder_norm", "after_backward"},
                                     {"project_gradient", false}}}};
}

Schema<TopKParams> schema() {
  using P = TopKParams;
  Schema<P> schema;
  schema
      .field("compat", &P::compat, "Stands for the form of a peer; keys that are set win.",
             one_of(words_of(peer_forms())))
      .presets("compat", peer_forms())
      .field(
          "k", &P::k,
          "Latents kept per row: the largest pre-activations, then ReLU (Gao et al. 2024, eq. 3).",
          at_least(1))
      .field("k_start", &P::k_start,
             "Latents kept per row at the first step, from where they fall or rise to k over "
             "k_anneal steps along a line; 0: k from the start (dictionary_learning, sparsify).",
             at_least(0))
      .field("k_anneal", &P::k_anneal, "With k_start: after how many steps k is reached.",
             at_least(0), unit("steps"))
      .field("infer_k", &P::infer_k,
             "Latents kept per row once trained; 0 keeps k (RouteSAE's infer_k).", at_least(0))
      .field(
          "theta", &P::theta,
          "Once trained, keep every pre-activation above theta instead of the k largest; 0 is off "
          "(RouteSAE's theta).",
          at_least(0))
      .field("relu", &P::relu,
             "ReLU on what is kept; without it, kept values may be negative (RouteSAE).")
      .field("select_by_norm", &P::select_by_norm,
             "Codes are pre-activations times the norm of their row of W_dec, and are ranked so "
             "(SAELens' rescale_acts_by_decoder_norm).")
      .check(
          [](const P& p) { return p.k <= p.d_sae ? "" : "k: " + exceeds(p.k, "d_sae", p.d_sae); })
      .check([](const P& p) {
        return p.k_start <= p.d_sae ? "" : "k_start: " + exceeds(p.k_start, "d_sae", p.d_sae);
      })
      .check([](const P& p) {
        return p.infer_k <= p.d_sae ? "" : "infer_k: " + exceeds(p.infer_k, "d_sae", p.d_sae);
      })
      .check([](const P& p) { return (p.k_start > 0) == (p.k_anneal > 0); },
             "k_start and k_anneal belong together")
      .check([](const P& p) { return p.infer_k == 0 || p.theta == 0; },
             "infer_k and theta exclude each other");
  return add_affine_fields(schema);
}

class TopK final : public AffineSae {
 public:
  TopK(const TopKParams& p, const Shape& shape, Init& init)
      : AffineSae("topk", p, shape, init), p_(p) {
    // On the CPU, so that no step waits for a device.
    if (p.k_start > 0) passes_ = buffer("passes", at::zeros({}, at::kLong));
  }

  Pass pass(const Batch& batch, Mode mode) override {
    Pass pass = AffineSae::pass(batch, mode);
    if (mode == Mode::train && passes_.defined()) passes_.add_(1);
    return pass;
  }

  Codes encode(const Tensor& x, Mode mode) override {
    if (mode == Mode::infer && p_.theta > 0) {
      const Tensor pre = pre_activations(x);  // [n, m]
      return Codes::of(at::where(pre <= p_.theta, at::zeros({}, pre.options()), pre));
    }
    const int64_t k = mode == Mode::infer ? inference_k() : training_k();
    const auto negatives = p_.relu ? ops::Negatives::zero : ops::Negatives::kept;
    const Dictionary w = dictionary();
    if (!p_.select_by_norm) return ops::encode_topk(x, w.w_enc, w.b_enc, w.b_dec, k, negatives);
    const Tensor norm = row_norms(w_dec_);
    return ops::encode_topk(x, w.w_enc * norm, w.b_enc * norm, w.b_dec, k, negatives);
  }

  Losses losses(const Pass& pass, const Step& step) override {
    Losses losses = {error(pass, step)};
    add_dead_terms(losses, pass, step);
    return losses;
  }

  // With select_by_norm codes are in the rows' units, and ranked so: a number changes no rank.
  bool fold(const RowMap& map) override {
    if (p_.select_by_norm && (p_.theta > 0 || !map.scale.defined())) return false;
    return AffineSae::fold(map);
  }

  // Norms of W_dec move into the encoder. source: SAELens 6.54, sae.py, fold_W_dec_norm
  std::optional<InferenceForm> inference_form() const override {
    if (!p_.select_by_norm || p_.theta > 0) return std::nullopt;
    const Tensor norm = row_norms(w_dec_);
    const Dictionary w = dictionary();
    return InferenceForm{"topk",
                         Value::Table{{"d_sae", p_.d_sae},
                                      {"k", inference_k()},
                                      {"relu", p_.relu},
                                      {"centre", w.b_dec.defined()}},
                         {{"W_dec", w_dec_ / norm.unsqueeze(1)},
                          {"W_enc", w_enc_ * norm},
                          {"b_enc", w.b_enc * norm},
                          {"b_dec", decoder_bias()}}};
  }

  std::vector<std::string> estimated() const override { return {"auxk"}; }  // the error is fixed

  Value saelens() const override {
    if (p_.theta > 0 || !p_.relu) return {};  // SAELens' topk knows neither
    Value cfg;
    cfg.set("architecture", "topk");
    cfg.set("k", inference_k());
    cfg.set("apply_b_dec_to_input", p_.centre);
    cfg.set("rescale_acts_by_decoder_norm", p_.select_by_norm);
    return cfg;
  }

 private:
  bool selects_by_norm() const override { return p_.select_by_norm; }
  int64_t inference_k() const { return p_.infer_k > 0 ? p_.infer_k : p_.k; }

  // source: dictionary_learning 0.1.0, trainers/top_k.py, update_annealed_k
  int64_t training_k() const {
    if (!passes_.defined()) return p_.k;
    const int64_t done = std::min(passes_.item<int64_t>(), p_.k_anneal);
    return (p_.k_start * (p_.k_anneal - done) + p_.k * done) / p_.k_anneal;
  }

  TopKParams p_;
  Tensor passes_;  // [] int64, of the training; only with k_start
};

}  // namespace

FACET_PLUGIN("facet.sae.topk", FACET_VERSION) {
  registry.add_sae<TopK>("topk", "Keeps the k largest latents of each row (arXiv:2406.04093).",
                         schema());
}
