// Folders of SAELens: cfg.json and sae_weights.safetensors, of this and of earlier versions.
// source: SAELens 6.54.12, loading/pretrained_sae_loaders.py (handle_config_defaulting,
// read_sae_components_from_disk) and saes/
#include <facet/torch.h>

#include "train/foreign_formats.h"
#include "train/foreign_parts.h"

namespace facet {

namespace fs = std::filesystem;

namespace {

constexpr char kSaeLens[] = "SAELens";
constexpr char kSaeLensConfig[] = "cfg.json";
constexpr char kSaeLensWeights[] = "sae_weights.safetensors";

// Norms of rows of W_dec are never divided by less. source: sae.py, get_W_dec_norm
constexpr double kSmallestRow = 1e-8;

// Of the folder's cfg.json, whichever version wrote it.
struct SaeLensConfig {
  explicit SaeLensConfig(const fs::path& folder) : all(folder / kSaeLensConfig) {}

  // "metadata" holds it since version 6.
  std::string said(const std::string& key) const {
    if (all.has("metadata") && all.part("metadata").has(key)) return all.part("metadata").text(key);
    return all.text(key, "");
  }
  // Before 6, and where nothing is said, keys had other names.
  bool is_old() const {
    const std::string version = said("sae_lens_version");
    return version.empty() || std::atoi(version.c_str()) < 6;
  }
  std::string hookpoint() const {
    const std::string name = said("hook_name");
    return name.empty() && is_old() ? all.text("hook_point", "") : name;
  }

  std::string architecture() const {
    if (!is_old()) return all.text("architecture");
    const std::string named = all.text("architecture", "standard");
    const std::string key = all.has("activation_fn_str") ? "activation_fn_str" : "activation_fn";
    const std::string activation = all.text(key, named == "topk" ? "topk" : "relu");
    if (activation == "topk") return "topk";
    if (activation != "relu") all.refuse(key, "\"relu\" or \"topk\"");
    return named;
  }
  int64_t k() const {
    if (is_old() && all.has("activation_fn_kwargs") && all.part("activation_fn_kwargs").has("k"))
      return all.part("activation_fn_kwargs").count("k");
    return all.count("k");
  }
  std::string normalisation() const {
    constexpr char kKey[] = "normalize_activations";
    if (!all.has(kKey)) return "none";
    if (is_old() && all.find(kKey)->is<bool>())
      return all.flag(kKey, false) ? "expected_average_only_in" : "none";
    return all.text(kKey);
  }

  ForeignConfig all;
};

// Of the input: a transcoder's output is in the units of its target.
void set_normalisation(const SaeLensConfig& config, ForeignSae& out) {
  const std::string name = config.normalisation();
  const std::string where = config.all.where("normalize_activations");
  out.normalize = "none";
  if (name == "none") return;
  if (name == "expected_average_only_in" || name == "covariance_whitening") {
    out.notices.push_back(
        where + ": is \"" + name +
        "\", of which SAELens does nothing when an SAE is used, nor does facet: "
        "rows should be " +
        (name == "covariance_whitening" ? "whitened" : "scaled to a mean norm of sqrt(d_in)") +
        " before, unless that is in the weights already");
    return;
  }
  if (name == "layer_norm")
    out.normalize = "saelens";
  else if (name == "constant_norm_rescale")
    out.normalize = "constant_norm";
  else
    config.all.refuse("normalize_activations",
                      "one of \"none\", \"layer_norm\", \"constant_norm_rescale\", "
                      "\"expected_average_only_in\", \"covariance_whitening\"");
}

// The threshold that a batchtopk has once it is trained, and the norms of W_dec in the encoder.
// source: batchtopk_sae.py, process_state_dict_for_saving_inference; topk_sae.py, the same
void set_batch_topk(const SaeLensConfig& config, ForeignTensors& tensors, int64_t d_sae,
                    ForeignSae& out) {
  out.tensors.emplace_back("threshold",
                           same_threshold(tensors.take_number("topk_threshold"), d_sae));
  if (!config.all.flag("rescale_acts_by_decoder_norm", true)) return;
  std::map<std::string, Tensor> of;
  for (auto& [name, tensor] : out.tensors) of[name] = tensor;
  const Tensor norm = of.at("W_dec").norm(2, {1}).clamp_min(kSmallestRow);  // [m]
  of.at("W_dec").div_(norm.unsqueeze(1));
  of.at("W_enc").mul_(norm);
  of.at("b_enc").mul_(norm);
}

void set_thresholds(ForeignTensors& tensors, int64_t d_sae, ForeignSae& out) {
  const bool logs = tensors.has("log_threshold");  // up to 6.47
  const Tensor given = tensors.take(logs ? "log_threshold" : "threshold", {d_sae});
  out.tensors.emplace_back("threshold", (logs ? given.exp() : given).clamp_min(0));
}

// Of a finetuning: what codes are multiplied with before they are decoded.
// source: sae_lens 5, saes/sae.py, apply_finetuning_scaling_factor
void fold_finetuning(const SaeLensConfig& config, ForeignTensors& tensors, int64_t d_sae,
                     ForeignSae& out) {
  if (!tensors.has("scaling_factor")) return;
  const Tensor factor = tensors.take("scaling_factor", {d_sae});
  if (at::allclose(factor, at::ones_like(factor))) return;
  if (!config.all.flag("finetuning_scaling_factor", false))
    config.all.refuse("finetuning_scaling_factor",
                      "true, for " + tensors.file() + " has a scaling_factor that is not 1");
  for (auto& [name, tensor] : out.tensors)
    if (name == "W_dec") tensor.mul_(factor.unsqueeze(1));
  out.notices.push_back(tensors.file() +
                        ": scaling_factor: is in W_dec now: codes are those before the finetuning");
}

bool is_saelens(const fs::path& folder) { return fs::exists(folder / kSaeLensConfig); }

ForeignSae read_saelens(const fs::path& folder) {
  const SaeLensConfig config(folder);
  const std::string architecture = config.architecture();
  const ForeignArchitecture& is =
      foreign_architecture(kSaeLens, architecture, config.all.where("architecture"));
  const int64_t d_in = config.all.count("d_in"), d_sae = config.all.count("d_sae");
  const int64_t d_out = is.transcodes ? config.all.count("d_out") : d_in;
  ForeignTensors tensors(Safetensors(folder / kSaeLensWeights));

  ForeignSae out;
  out.program = kSaeLens;
  out.type = is.type;
  out.shape = {1, 1, d_in, d_out, is.transcodes};
  out.host = config.said("model_name");
  out.hookpoint = config.hookpoint();
  out.target = config.said("hook_name_out");
  out.params.set("d_sae", d_sae);
  if (is.transcodes) {
    if (config.all.flag("apply_b_dec_to_input", false))
      config.all.refuse("apply_b_dec_to_input", "false for a transcoder");
    if (is.skips) out.params.set("skip", true);
  } else {
    out.params.set("centre", config.all.flag("apply_b_dec_to_input", true));
  }
  set_normalisation(config, out);
  if (out.type == "gated") {
    out.tensors = take_gated(tensors, d_sae, "b_gate", "b_mag",
                             {{"W_enc", tensors.take("W_enc", {d_in, d_sae})},
                              {"W_dec", tensors.take("W_dec", {d_sae, d_out})},
                              {"b_dec", tensors.take("b_dec", {d_out})}});
  } else {
    out.tensors = take_affine(tensors, d_in, d_sae, d_out);
  }
  if (out.type == "topk" || out.type == "abs_topk") {
    out.params.set("k", config.k());
    out.params.set("select_by_norm", config.all.flag("rescale_acts_by_decoder_norm", false));
  }
  if (architecture == "batchtopk" || architecture == "matryoshka_batchtopk")
    set_batch_topk(config, tensors, d_sae, out);
  else if (out.type == "jumprelu")
    set_thresholds(tensors, d_sae, out);
  if (is.skips) out.tensors.emplace_back("W_skip", tensors.take("W_skip", {d_out, d_in}));
  fold_finetuning(config, tensors, d_sae, out);
  tensors.finish();
  return out;
}

}  // namespace

ForeignFormat saelens_format() {
  return {kSaeLens, "cfg.json and sae_weights.safetensors", is_saelens, read_saelens};
}

}  // namespace facet
