// The SAE architectures that learn by gradients, loaded once for a test program.
#pragma once

#include <filesystem>
#include <string>

#include "activations/activation_stream.h"
#include "plugin/loader.h"

namespace facet {

inline const Registry& architectures() {
  static const Registry* all = [] {
    auto* registry = new Registry;  // plugins stay for ever, and so does what they registered
    add_core_normalisers(*registry);
    for (const char* name : {"topk", "relu", "jumprelu", "batch_topk", "route", "gated",
                             "matryoshka", "p_anneal", "crosscoder", "random_k", "identity"})
      load_plugin(std::filesystem::path(FACET_TEST_PLUGINS) / (std::string(name) + ".so"),
                  *registry);
    return registry;
  }();
  return *all;
}

/// The SAE that a [sae] table describes; UserError with its problems.
inline std::unique_ptr<Sae> sae_of(Value section, const Shape& shape, uint64_t seed = 5) {
  const SaePart& part = architectures().sae(section.text("type"));
  section.as<Value::Table>()->erase("type");
  std::vector<std::string> problems;
  const AnyParams params = part.schema.parse("sae", section, Demand::whole, problems);
  if (!problems.empty()) throw UserError(problems);
  Init init(seed);
  return part.make(params, shape, init);
}

inline Tensor param_of(const Sae& sae, const std::string& name) {
  for (const auto& [known, value] : sae.params())
    if (known == name) return value;
  throw Bug("no parameter " + name);
}

}  // namespace facet
