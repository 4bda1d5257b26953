// topk: each row keeps its k largest latents; AuxK teaches dead latents the residual. abs_topk
// keeps the k furthest from 0 with their signs, groupmax the largest of each of k groups of
// latents. Sources: Gao et al. 2024, "Scaling and evaluating sparse autoencoders",
// arXiv:2406.04093; inference as in SAELens 6.54 (topk_sae.py, abstopk_sae.py), training as in
// dictionary_learning 0.1.0 (trainers/top_k.py); groups as in eai-sparsify 1.3.3
// (fused_encoder.py).
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
  bool relu = true;
  bool select_by_norm = false;
  int64_t multi_topk = 0;
  double multi_topk_coefficient = 1.0 / 8;
  bool multi_topk_encoder = true;
};

struct AbsTopKParams : TopKParams {};
struct GroupMaxParams : TopKParams {
  GroupMaxParams() { aux_coefficient = 0; }
};

// A field of TopKParams as one of P, which is derived from it.
template <class P, class T>
T P::*member(T TopKParams::*field) {
  return static_cast<T P::*>(field);
}

// What each peer's trainer does. sources: SAELens 6.54.12 (topk_sae.py); dictionary_learning 0.1.0
// (trainers/top_k.py), whose form the defaults are; RouteSAE-repro 601b854 (model.py 284-394);
// eai-sparsify 1.3.3 (sparse_coder.py, trainer.py); OpenSAE 978f094 (modeling_open_sae.py);
// sparse_autoencoder 4965b941 (train.py); BatchTopK b9aab1c (sae.py); InterProt 287c373
// (sae_model.py); Rep_SAEs_PLMs de2b02f (sparse_auto_script.py); SAE_Helix_mRNA
// (sparse_autoencoder.py)
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
                                    {"multi_topk_encoder", false},
                                    {"decoder_norm", "before_pass"},
                                    {"b_dec_start", "mean"}}},
          {"sparsify_transcoder", Value::Table{{"error", "fvu"},
                                               {"encoder_start", "width"},
                                               {"decoder_start", "zero"},
                                               {"b_enc_centred", true},
                                               {"aux", "sparsify"},
                                               {"aux_coefficient", 0.0},
                                               {"multi_topk_encoder", false},
                                               {"decoder_norm", "never"},
                                               {"project_gradient", false},
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
                                    {"centre_across", true},
                                    {"aux", "rep_saes"},
                                    {"decoder_norm", "never"},
                                    {"project_gradient", false},
                                    {"b_dec_start", "zero"}}},
          {"helix_sae", Value::Table{{"error", "mse_by_element"},
                                     {"encoder_start", "xavier"},
                                     {"decoder_init_norm", 0.0},
                                     {"tied", true},
                                     {"centre", false},
                                     {"decoder_bias", false},
                                     {"b_enc_start", -1.0},
                                     {"aux_coefficient", 0.0},
                                     {"decoder_norm", "after_backward"},
                                     {"project_gradient", false}}}};
}

// The fields that all three have.
template <class P>
Schema<P> common_fields() {
  Schema<P> schema;
  schema
      .field("k", member<P>(&TopKParams::k), "Latents kept per row (Gao et al. 2024, eq. 3).",
             at_least(1))
      .field("select_by_norm", member<P>(&TopKParams::select_by_norm),
             "Codes are pre-activations times the norm of their row of W_dec, and are ranked so "
             "(SAELens' rescale_acts_by_decoder_norm).")
      .check(
          [](const P& p) { return p.k <= p.d_sae ? "" : "k: " + exceeds(p.k, "d_sae", p.d_sae); });
  return schema;
}

Schema<TopKParams> topk_schema() {
  using P = TopKParams;
  Schema<P> schema = common_fields<P>();
  schema
      .field("compat", &P::compat, "Stands for the form of a peer; keys that are set win.",
             one_of(words_of(peer_forms())))
      .presets("compat", peer_forms())
      .field("k_start", &P::k_start,
             "Latents kept per row at the first step, from where they fall or rise to k over "
             "k_anneal steps along a line; 0: k from the start (dictionary_learning, sparsify).",
             at_least(0))
      .field("k_anneal", &P::k_anneal, "With k_start: after how many steps k is reached.",
             at_least(0), unit("steps"))
      .field("relu", &P::relu,
             "ReLU on what is kept; without it, kept values may be negative (RouteSAE).")
      .field("multi_topk", &P::multi_topk,
             "With m above 0, rows are also reconstructed from their m k largest latents, and that "
             "error is a loss, too, so that more than k latents make sense (Gao et al. 2024, "
             "section 4.3; 4 in sparsify and OpenSAE).",
             at_least(0))
      .field("multi_topk_coefficient", &P::multi_topk_coefficient,
             "Weight of the loss multi_topk, already inside the loss that is reported.",
             at_least(0))
      .field("multi_topk_encoder", &P::multi_topk_encoder,
             "The encoder learns from multi_topk, too; in sparsify it does not.")
      .check([](const P& p) {
        return p.k_start <= p.d_sae ? "" : "k_start: " + exceeds(p.k_start, "d_sae", p.d_sae);
      })
      .check([](const P& p) { return (p.k_start > 0) == (p.k_anneal > 0); },
             "k_start and k_anneal belong together")
      .check([](const P& p) { return p.relu || p.multi_topk == 0; },
             "multi_topk: must be 0 without relu");
  return add_affine_fields(schema);
}

Schema<AbsTopKParams> abs_topk_schema() {
  using P = AbsTopKParams;
  const std::map<std::string, Value> forms = {{"saelens", peer_forms().at("saelens")}};
  Schema<P> schema = common_fields<P>();
  schema
      .field("compat", member<P>(&TopKParams::compat),
             "Stands for the form of a peer; keys that are set win.", one_of(words_of(forms)))
      .presets("compat", forms);
  return add_affine_fields(schema);
}

Schema<GroupMaxParams> groupmax_schema() {
  using P = GroupMaxParams;
  const std::map<std::string, Value> forms = {
      {"sparsify", peer_forms().at("sparsify")},
      {"sparsify_transcoder", peer_forms().at("sparsify_transcoder")}};
  Schema<P> schema = common_fields<P>();
  schema
      .field("compat", member<P>(&TopKParams::compat),
             "Stands for the form of a peer; keys that are set win.", one_of(words_of(forms)))
      .presets("compat", forms)
      .check([](const P& p) {
        return p.d_sae % p.k == 0 ? std::string()
                                  : "k: is " + std::to_string(p.k) + ", should divide d_sae (" +
                                        std::to_string(p.d_sae) +
                                        "): the latents fall into k "
                                        "groups of equal size";
      });
  return add_affine_fields(schema);
}

class TopK : public AffineSae {
 public:
  TopK(const TopKParams& p, const Shape& shape, Init& init) : TopK("topk", p, shape, init) {}

  Pass pass(const Batch& batch, Mode mode) override {
    if (mode == Mode::train) k_now_ = training_k();
    Pass pass = AffineSae::pass(batch, mode);
    if (mode == Mode::train && passes_.defined()) passes_.add_(1);
    return pass;
  }

  Codes encode(const Tensor& x, Mode mode) override {
    if (mode == Mode::infer && p_.theta > 0) return inferred(pre_activations_of(x));
    return kept(x, mode == Mode::infer ? inference_k() : training_k());
  }

  /// As latents are ranked: times the norm of the row of W_dec with select_by_norm.
  Tensor pre_activations(const Tensor& x) override {
    return ranked_pre_activations(x.select(1, 0));
  }

  Losses losses(const Pass& pass, const Step& step) override {
    Losses losses = {error(pass, step)};
    if (p_.multi_topk > 0) losses.push_back(multi_topk(pass, step));
    add_dead_terms(losses, pass, step);
    return losses;
  }

  // With select_by_norm codes are in the rows' units, and ranked so: a number changes no rank.
  bool fold(const RowMap& map) override {
    return (!p_.select_by_norm || map.scale.defined()) && AffineSae::fold(map);
  }

  // Norms of W_dec move into the encoder. source: SAELens 6.54, sae.py, fold_W_dec_norm
  std::optional<InferenceForm> inference_form() const override {
    if (p_.theta > 0) return AffineSae::inference_form();
    if (!p_.select_by_norm && !p_.tied) return std::nullopt;
    InferenceForm out = plain_form(type_);
    out.params.set("k", inference_k());
    if (type_ == "topk") out.params.set("relu", p_.relu);
    return out;
  }

  std::vector<std::string> estimated() const override {
    std::vector<std::string> out = {"auxk"};  // the error is fixed
    if (!p_.multi_topk_encoder) out.emplace_back("multi_topk");
    return out;
  }

  Value saelens() const override { return saelens_config("topk"); }
  bool rows_may_wait() const override { return type_ == "topk" && ranks_by_parameters(); }

 protected:
  TopK(const std::string& type, const TopKParams& p, const Shape& shape, Init& init)
      : AffineSae(type, p, shape, init), type_(type), p_(p) {
    // On the CPU, so that no step waits for a device.
    if (p.k_start > 0) passes_ = buffer("passes", at::zeros({}, at::kLong));
  }

  /// The k latents of each row x [n, d] that are kept.
  virtual Codes kept(const Tensor& x, int64_t k) const {
    const auto negatives = p_.relu ? ops::Negatives::zero : ops::Negatives::kept;
    const Dictionary w = ranked();
    return ops::encode_topk(x, w.w_enc, w.b_enc, w.b_dec, k, negatives);
  }
  Tensor ranked_pre_activations(const Tensor& x) const {
    const Dictionary w = ranked();
    return ops::pre_activations(x, w.w_enc, w.b_enc, w.b_dec);  // [n, m]
  }
  Value saelens_config(const std::string& architecture) const {
    if (p_.theta > 0 || p_.tied || transcodes_) return {};
    if (type_ == "topk" && !p_.relu) return {};
    return Value::Table{{"architecture", architecture},
                        {"k", inference_k()},
                        {"apply_b_dec_to_input", centres()},
                        {"rescale_acts_by_decoder_norm", p_.select_by_norm}};
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

  // The error of what more latents give, without a skip. source: eai-sparsify 1.3.3
  // (sparse_coder.py); OpenSAE 978f094 (modeling_open_sae.py)
  Loss multi_topk(const Pass& pass, const Step& step) {
    const int64_t more = std::min(p_.multi_topk * k_now_, p_.d_sae);
    Pass wider = pass;
    wider.codes = kept(pass.notes.at("input"), more);
    if (!p_.multi_topk_encoder) wider.codes.value = wider.codes.value.detach();
    wider.output = decode(wider.codes).unsqueeze(1);
    return {"multi_topk", error(wider, step).value * p_.multi_topk_coefficient};
  }

  std::string type_;
  TopKParams p_;
  Tensor passes_;      // [] int64, of the training; only with k_start
  int64_t k_now_ = 0;  // of the last pass of the training
};

class AbsTopK final : public TopK {
 public:
  AbsTopK(const AbsTopKParams& p, const Shape& shape, Init& init)
      : TopK("abs_topk", p, shape, init) {}
  Value saelens() const override { return saelens_config("abstopk"); }

 private:
  Codes kept(const Tensor& x, int64_t k) const override {
    const Tensor pre = ranked_pre_activations(x);
    Codes codes = ops::keep_topk(pre.detach().abs(), k);
    const Tensor latent = codes.latent.to(at::kLong).view({pre.size(0), k});
    codes.value = pre.gather(1, latent).flatten();
    return codes;
  }
  bool ranks_by_magnitude() const override { return true; }
};

class GroupMax final : public TopK {
 public:
  GroupMax(const GroupMaxParams& p, const Shape& shape, Init& init)
      : TopK("groupmax", p, shape, init), trained_k_(p.k) {}
  Value saelens() const override { return {}; }

 private:
  // infer_k chooses among all, not by groups.
  Codes kept(const Tensor& x, int64_t k) const override {
    if (k != trained_k_) return TopK::kept(x, k);
    const Tensor pre = ranked_pre_activations(x).relu();
    const int64_t n = pre.size(0), m = pre.size(1), size = m / k;
    const Tensor best = pre.detach().view({n, k, size}).argmax(2);  // the first of equals
    const Tensor latent = best + at::arange(0, m, size, best.options());
    Codes codes;
    codes.d_sae = m;
    codes.start = at::arange(0, n * k + 1, k, best.options());
    codes.latent = latent.flatten().to(at::kInt);
    codes.value = pre.gather(1, latent).flatten();
    return codes;
  }
  int64_t trained_k_;
};

}  // namespace

FACET_PLUGIN("facet.sae.topk", FACET_VERSION) {
  registry.add_sae<TopK>("topk", "Keeps the k largest latents of each row (arXiv:2406.04093).",
                         topk_schema());
  registry.add_sae<AbsTopK>(
      "abs_topk", "Keeps the k latents of each row that are furthest from 0 (arXiv:2510.00404).",
      abs_topk_schema());
  registry.add_sae<GroupMax>(
      "groupmax", "Keeps the largest latent of each of k groups, without a search (sparsify).",
      groupmax_schema());
}
