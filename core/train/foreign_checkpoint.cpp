// Checkpoints that say nothing of themselves but their tensors: of Rep_SAEs_PLMs and of
// SAE_Helix_mRNA. What they lack is read from facet_source.json beside them.
// source: Rep_SAEs_PLMs de2b02f, sparse_auto_script.py; SAE_Helix_mRNA, sparse_autoencoder.py
#include <facet/torch.h>

#include <algorithm>

#include "tensor/torch_file.h"
#include "train/foreign_formats.h"
#include "train/foreign_parts.h"

namespace facet {

namespace fs = std::filesystem;

namespace {

constexpr char kSourceFile[] = "facet_source.json";

// Every .pt, .pth and .ckpt of the folder, by name.
std::vector<fs::path> checkpoints_in(const fs::path& folder) {
  std::vector<fs::path> out;
  std::error_code unreadable;
  for (const auto& entry : fs::directory_iterator(folder, unreadable)) {
    const std::string ending = entry.path().extension().string();
    if (ending == ".pt" || ending == ".pth" || ending == ".ckpt") out.push_back(entry.path());
  }
  std::sort(out.begin(), out.end());
  return out;
}

bool is_checkpoint(const fs::path& folder) {
  return !fs::exists(folder / "cfg.json") && !fs::exists(folder / "config.json") &&
         !checkpoints_in(folder).empty();
}

// What is known of a checkpoint beside its tensors.
struct Source {
  explicit Source(const fs::path& folder) : file(folder / kSourceFile) {
    if (fs::exists(file)) said.emplace(file);
  }
  fs::path checkpoint(const fs::path& folder) const {
    if (said && said->has("file")) return folder / said->text("file");
    const std::vector<fs::path> all = checkpoints_in(folder);
    if (all.size() > 1)
      throw UserError(folder.string() + ": holds " + std::to_string(all.size()) +
                      " checkpoints, should be one, or the one that `file` in " + kSourceFile +
                      " names");
    return all.front();
  }
  std::optional<int64_t> k() const {
    return said && said->has("k") ? std::optional(said->count("k")) : std::nullopt;
  }

  fs::path file;
  std::optional<ForeignConfig> said;
};

// What stands before `end` in the one name that ends so; nothing when no name does.
std::optional<std::string> prefix_of(const TorchFile& file, const std::string& end) {
  for (const auto& [name, tensor] : file.tensors)
    if (name == end || name.ends_with("." + end)) return name.substr(0, name.size() - end.size());
  return std::nullopt;
}

// Of these tensors, all that begin with `prefix`, without it.
ForeignTensors under(const fs::path& path, const TorchFile& file, const std::string& prefix,
                     const std::string& first) {
  std::map<std::string, Tensor> out;
  for (const auto& [name, tensor] : file.tensors)
    if (name.starts_with(prefix + first)) out[name.substr(prefix.size())] = tensor;
  return {path, std::move(out)};
}

int64_t k_of(const Source& source, const TorchFile& file, const fs::path& path) {
  if (const auto k = source.k()) return *k;
  const auto said = file.values.find("hyper_parameters.k");
  const auto* k = said != file.values.end() ? said->second.as<int64_t>() : nullptr;
  if (k && *k >= 1) return *k;
  throw UserError(path.string() +
                  ": does not say how many latents a row keeps: write {\"k\": N} into " +
                  source.file.string());
}

ForeignSae rep_saes(const Source& source, const TorchFile& file, const fs::path& path,
                    const std::string& prefix) {
  ForeignTensors tensors = under(path, file, prefix, "weights.");
  const std::vector<int64_t> sizes = tensors.matrix_sizes("weights.0");
  const int64_t d_in = sizes[0], d_sae = sizes[1];
  ForeignSae out;
  out.program = "Rep_SAEs_PLMs";
  out.type = foreign_architecture(out.program, "TopKAuto", path.string()).type;
  out.shape = {1, 1, d_in, d_in};
  out.normalize = "rep_saes";
  out.params = Value::Table{{"d_sae", d_sae}, {"k", k_of(source, file, path)}, {"centre", true}};
  out.tensors = {{"W_enc", tensors.take("weights.0", {d_in, d_sae})},
                 {"W_dec", tensors.take("weights.1", {d_sae, d_in})},
                 {"b_enc", tensors.take("weights.2", {d_sae})},
                 {"b_dec", tensors.take("weights.3", {d_in})}};
  tensors.finish();
  return out;
}

// Tied or not; the decoder has no bias, and nothing is subtracted.
ForeignSae helix_sae(const Source& source, const TorchFile& file, const fs::path& path,
                     const std::string& prefix) {
  ForeignTensors tensors = under(path, file, prefix, "");
  const std::vector<int64_t> sizes = tensors.matrix_sizes("encoder.weight");
  const int64_t d_in = sizes[1], d_sae = sizes[0];
  ForeignSae out;
  out.program = "SAE_Helix_mRNA";
  const auto k = source.k();
  out.type = foreign_architecture(out.program, k ? "topk" : "relu", path.string()).type;
  out.shape = {1, 1, d_in, d_in};
  out.normalize = "none";
  out.params = Value::Table{{"d_sae", d_sae}, {"centre", false}, {"decoder_bias", false}};
  if (k) out.params.set("k", *k);
  if (tensors.has("decoder.weight")) {
    out.tensors = {{"W_enc", tensors.take_transposed("encoder.weight", {d_in, d_sae})},
                   {"W_dec", tensors.take_transposed("decoder.weight", {d_sae, d_in})}};
  } else {
    out.params.set("tied", true);
    out.tensors = {{"W_dec", tensors.take("encoder.weight", {d_sae, d_in})}};
  }
  out.tensors.emplace_back("b_enc", tensors.take("encoder.bias", {d_sae}));
  out.tensors.emplace_back("b_dec", at::zeros({d_in}));
  tensors.finish();
  return out;
}

ForeignSae read_checkpoint(const fs::path& folder) {
  const Source source(folder);
  const fs::path path = source.checkpoint(folder);
  const TorchFile file = read_torch_file(path);
  if (const auto prefix = prefix_of(file, "weights.0"))
    return rep_saes(source, file, path, *prefix);
  if (const auto prefix = prefix_of(file, "encoder.weight"))
    return helix_sae(source, file, path, *prefix);
  throw UserError(path.string() +
                  ": is of no program that facet knows: has neither a tensor \"weights.0\" "
                  "(Rep_SAEs_PLMs) nor \"encoder.weight\" (SAE_Helix_mRNA)");
}

}  // namespace

ForeignFormat checkpoint_format() {
  return {"Rep_SAEs_PLMs or SAE_Helix_mRNA", "one .pt or .ckpt", is_checkpoint, read_checkpoint};
}

}  // namespace facet
