// A copy of the tiny ESM-2 that a test may spoil, and what esm2 says of it.
#pragma once

#include <facet/safetensors.h>

#include <string>
#include <utility>

#include "base/files.h"
#include "core/plugin/temporary_folder.h"
#include "expect_refusal.h"
#include "host_adapters/adapters.h"

namespace facet {

/// The tensors of the tiny model, as transformers saved them.
inline NamedTensors tiny_tensors() {
  const Safetensors given(kTiny + "/model.safetensors");
  NamedTensors out;
  for (const std::string& name : given.names()) out.emplace_back(name, given.tensor(name));
  return out;
}

class Spoiled {
 public:
  Spoiled() {
    for (const char* file : {"config.json", "vocab.txt", "model.safetensors"})
      folder_.copy(kTiny + "/" + file);
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
    for (const auto& [name, tensor] : tiny_tensors())
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
    return make_host("esm2", params);
  }
  /// The refusal of the configuration.
  std::string refusal() const {
    return refusal_of([&] { host(); });
  }
  /// The refusal of a forward pass.
  std::string refusal_of_pass(const Value::Table& params = {}, Want want = {.logits = true}) const {
    return refusal_of([&] {
      const auto model = host(params);
      pass(*model, tokens_of(*model, {"MKV"}), {}, want);
    });
  }

 private:
  TemporaryFolder folder_;
};

}  // namespace facet
