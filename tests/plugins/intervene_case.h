// A host, an SAE in it and what another program says of editing it.
#pragma once

#include <facet/safetensors.h>
#include <facet/torch.h>

#include <memory>
#include <string>

#include "base/files.h"
#include "host_adapters/adapters.h"
#include "plugins/architectures.h"
#include "train/sae_folder.h"

namespace facet {

inline const Value& intervene_golden() {
  static const Value said =
      parse_json(read_file(std::string(FACET_TEST_DATA) + "/intervene/golden.json"), "golden.json");
  return said;
}
inline Tensor intervene_tensor(const std::string& name) {
  static const Safetensors file(std::string(FACET_TEST_DATA) + "/intervene/golden.safetensors");
  return file.tensor(name);
}

inline HostModel& tiny_host() {
  static const auto host = make_host("llama", {{"weights", kTinyLlama}});
  return *host;
}

/// One case of golden.json in the small Llama: its SAE and hookpoint.
struct InterveneCase {
  explicit InterveneCase(const Value& of)
      : loaded(load_sae(std::string(FACET_TEST_DATA) + "/kl/saes/" + of.text("sae"),
                        architectures())) {
    place.points = {"blocks." + std::to_string(of.integer("block")) + ".out"};
  }
  HostModel* host = &tiny_host();
  LoadedSae loaded;
  Place place;
};

inline std::string golden_prompt(const std::string& key) {
  return intervene_golden().at("baseline").at(key).text("text");
}
inline std::vector<int64_t> golden_integers(const Value& array) {
  std::vector<int64_t> out;
  for (const Value& one : *array.as<Value::Array>()) out.push_back(*one.as<int64_t>());
  return out;
}

}  // namespace facet
