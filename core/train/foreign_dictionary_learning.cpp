// Folders of dictionary_learning: config.json and ae.pt, or ae.safetensors with the same tensors.
// source: dictionary_learning 0.1.0, utils.py (load_dictionary), dictionary.py and trainers/
#include <facet/torch.h>

#include "tensor/torch_file.h"
#include "train/foreign_formats.h"
#include "train/foreign_parts.h"

namespace facet {

namespace fs = std::filesystem;

namespace {

constexpr char kDictionaryLearning[] = "dictionary_learning";
constexpr char kDictionaryPickle[] = "ae.pt", kDictionarySafe[] = "ae.safetensors";

bool is_dictionary(const fs::path& folder) {
  return fs::exists(folder / "config.json") &&
         (fs::exists(folder / kDictionaryPickle) || fs::exists(folder / kDictionarySafe));
}

ForeignTensors dictionary_tensors(const fs::path& folder) {
  if (fs::exists(folder / kDictionarySafe))
    return ForeignTensors(Safetensors(folder / kDictionarySafe));
  return {folder / kDictionaryPickle, read_torch_file(folder / kDictionaryPickle).tensors};
}

// The number that both the settings and the weights have.
int64_t same_k(const ForeignConfig& trainer, ForeignTensors& tensors) {
  const int64_t k = trainer.count("k");
  if (!tensors.has("k")) return k;
  const double other = tensors.take_number("k");
  if (other != static_cast<double>(k))
    trainer.refuse(
        "k", std::to_string(static_cast<int64_t>(other)) + ", as " + tensors.file() + " has it");
  return k;
}

void set_linear(const std::string& b_dec, int64_t d_in, int64_t d_sae, ForeignTensors& tensors,
                ForeignSae& out) {
  out.tensors = take_linear(tensors, d_in, d_sae, b_dec);
}

void set_dictionary(const std::string& name, const ForeignConfig& trainer, int64_t d_in,
                    int64_t d_sae, ForeignTensors& tensors, ForeignSae& out) {
  if (name == "AutoEncoder") {
    set_linear("bias", d_in, d_sae, tensors, out);
  } else if (name == "AutoEncoderNew") {
    out.params.set("centre", false);
    set_linear("decoder.bias", d_in, d_sae, tensors, out);
  } else if (name == "GatedAutoEncoder") {
    out.tensors = take_gated(tensors, d_sae, "gate_bias", "mag_bias",
                             {{"W_enc", tensors.take_transposed("encoder.weight", {d_in, d_sae})},
                              {"W_dec", tensors.take_transposed("decoder.weight", {d_sae, d_in})},
                              {"b_dec", tensors.take("decoder_bias", {d_in})}});
  } else if (name == "JumpReluAutoEncoder") {  // its weights are not those of linear layers
    out.params.set("centre", false);
    out.tensors = take_affine(tensors, d_in, d_sae, d_in);
    out.tensors.emplace_back("threshold", tensors.take("threshold", {d_sae}).clamp_min(0));
  } else if (name == "AutoEncoderTopK") {
    out.params.set("k", same_k(trainer, tensors));
    set_linear("b_dec", d_in, d_sae, tensors, out);
    tensors.leave("threshold");  // used on demand only
  } else {
    same_k(trainer, tensors);
    if (tensors.has("encoder.weight"))
      set_linear("b_dec", d_in, d_sae, tensors, out);
    else
      out.tensors = take_affine(tensors, d_in, d_sae, d_in);
    tensors.leave("group_sizes");  // of the training
    out.tensors.emplace_back("threshold", same_threshold(tensors.take_number("threshold"), d_sae));
  }
}

ForeignSae read_dictionary(const fs::path& folder) {
  const ForeignConfig config(folder / "config.json");
  const ForeignConfig trainer = config.part("trainer");
  const std::string name = trainer.text("dict_class");
  const ForeignArchitecture& is =
      foreign_architecture(kDictionaryLearning, name, trainer.where("dict_class"));
  if (config.has("buffer") && config.part("buffer").text("io", "out") == "in_and_out")
    config.part("buffer").refuse("io",
                                 "\"in\" or \"out\": transcoders of dictionary_learning "
                                 "subtract the output's bias from the input");
  ForeignTensors tensors = dictionary_tensors(folder);
  const int64_t d_in = trainer.count("activation_dim"), d_sae = trainer.count("dict_size");

  ForeignSae out;
  out.program = kDictionaryLearning;
  out.type = is.type;
  out.shape = {1, 1, d_in, d_in};
  out.normalize = "none";
  out.params = Value::Table{{"d_sae", d_sae}, {"centre", true}};
  out.host = trainer.text("lm_name", "");
  out.hookpoint = trainer.text("submodule_name", "");
  set_dictionary(name, trainer, d_in, d_sae, tensors, out);
  tensors.finish();
  return out;
}

}  // namespace

ForeignFormat dictionary_learning_format() {
  return {kDictionaryLearning, "config.json and ae.pt or ae.safetensors", is_dictionary,
          read_dictionary};
}

}  // namespace facet
