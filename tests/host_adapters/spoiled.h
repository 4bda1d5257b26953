// A copy of a tiny model that a test may spoil, and what its adapter says of it.
#pragma once

#include <facet/safetensors.h>

#include <string>
#include <utility>

#include "base/files.h"
#include "core/plugin/temporary_folder.h"
#include "expect_refusal.h"
#include "host_adapters/adapters.h"

namespace facet {

/// The tensors of a tiny model, as transformers saved them.
inline NamedTensors tensors_of(const std::string& folder) {
  const Safetensors given(folder + "/model.safetensors");
  NamedTensors out;
  for (const std::string& name : given.names()) out.emplace_back(name, given.tensor(name));
  return out;
}

inline NamedTensors tiny_tensors() { return tensors_of(kTiny); }

class SpoiledFolder {
 public:
  /// The files of `folder`, for the host `type`, which takes `text`.
  SpoiledFolder(std::string type, std::string folder, const std::vector<std::string>& files,
                std::string text)
      : type_(std::move(type)), given_(std::move(folder)), text_(std::move(text)) {
    for (const std::string& file : files) folder_.copy(given_ + "/" + file);
  }
  std::string path(const std::string& file = "") const {
    return file.empty() ? folder_.path().string() : (folder_.path() / file).string();
  }
  void replace(const std::string& file, const std::string& old, const std::string& now) const {
    std::string text = read_file(path(file));
    const size_t at = text.find(old);
    ASSERT_NE(at, std::string::npos) << old;
    write_file(path(file), text.replace(at, old.size(), now));
  }
  /// Rewrites every tensor; leaves out those for which `now` gives none.
  template <class Change>
  void change_tensors(Change&& now) const {
    NamedTensors kept;
    for (const auto& [name, tensor] : tensors_of(given_))
      if (const Tensor changed = now(name, tensor); changed.defined())
        kept.emplace_back(name, changed);
    save(kept);
  }
  /// Rewrites the file with these tensors.
  void save(const NamedTensors& tensors) const {
    save_safetensors(path("model.safetensors"), tensors);
  }
  std::unique_ptr<HostModel> host(Value::Table params = {}) const {
    params["weights"] = path();
    return make_host(type_, params);
  }
  /// The refusal of the configuration.
  std::string refusal() const {
    return refusal_of([&] { host(); });
  }
  /// The refusal of a forward pass.
  std::string refusal_of_pass(const Value::Table& params = {}, Want want = {.logits = true}) const {
    return refusal_of([&] {
      const auto model = host(params);
      pass(*model, tokens_of(*model, {text_}), {}, want);
    });
  }

 private:
  std::string type_, given_, text_;
  TemporaryFolder folder_;
};

/// The tiny ESM-2.
struct Spoiled : SpoiledFolder {
  Spoiled()
      : SpoiledFolder("esm2", kTiny, {"config.json", "vocab.txt", "model.safetensors"}, "MKV") {}
};
/// The tiny Llama.
struct SpoiledLlama : SpoiledFolder {
  SpoiledLlama()
      : SpoiledFolder("llama", kTinyLlama,
                      {"config.json", "model.safetensors", "special_tokens_map.json",
                       "tokenizer.json", "tokenizer_config.json"},
                      "Hello") {}
};

}  // namespace facet
