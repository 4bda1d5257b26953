// Folders of sparsify: cfg.json and sae.safetensors.
// source: eai-sparsify 1.3.3, sparse_coder.py and config.py. Differs from SAELens' converter, which
// transposes W_dec though it is stored as [d_sae, d_in].
#include <facet/torch.h>

#include "train/foreign_formats.h"
#include "train/foreign_parts.h"

namespace facet {

namespace fs = std::filesystem;

namespace {

constexpr char kSparsify[] = "sparsify";
constexpr char kSparsifyWeights[] = "sae.safetensors";

bool is_sparsify(const fs::path& folder) {
  return fs::exists(folder / "cfg.json") && fs::exists(folder / kSparsifyWeights);
}

ForeignSae read_sparsify(const fs::path& folder) {
  const ForeignConfig config(folder / "cfg.json");
  const std::string activation = config.text("activation", "topk");
  const ForeignArchitecture& is =
      foreign_architecture(kSparsify, activation, config.where("activation"));
  if (config.flag("signed", false)) config.refuse("signed", "false: codes are at least 0");
  const int64_t d_in = config.count("d_in"), latents = config.count("num_latents", 0);
  const int64_t d_sae = latents > 0 ? latents : d_in * config.count("expansion_factor");
  const bool transcodes = config.flag("transcode", false);
  ForeignTensors tensors(Safetensors(folder / kSparsifyWeights));

  ForeignSae out;
  out.program = kSparsify;
  out.type = is.type;
  out.shape = {1, 1, d_in, d_in, transcodes};
  out.normalize = "none";
  out.params = Value::Table{{"d_sae", d_sae}, {"k", config.count("k")}};
  if (!transcodes) out.params.set("centre", true);
  out.tensors = {{"W_enc", tensors.take_transposed("encoder.weight", {d_in, d_sae})},
                 {"W_dec", tensors.take("W_dec", {d_sae, d_in})},
                 {"b_enc", tensors.take("encoder.bias", {d_sae})},
                 {"b_dec", tensors.take("b_dec", {d_in})}};
  if (config.flag("skip_connection", false)) {
    out.params.set("skip", true);
    out.tensors.emplace_back("W_skip", tensors.take("W_skip", {d_in, d_in}));
  }
  tensors.finish();
  return out;
}

}  // namespace

ForeignFormat sparsify_format() {
  return {kSparsify, "cfg.json and sae.safetensors", is_sparsify, read_sparsify};
}

}  // namespace facet
