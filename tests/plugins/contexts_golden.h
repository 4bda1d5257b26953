// The golden of contexts (tests/golden/contexts), unpacked.
#pragma once

#include <filesystem>
#include <string>

#include "base/files.h"
#include "data/byte_source.h"
#include "facet/value.h"

namespace facet {

inline const std::filesystem::path kContextsGolden =
    std::filesystem::path(FACET_TEST_DATA) / "contexts";

inline std::string unpacked(const std::string& name) {
  const auto source = open_bytes(kContextsGolden / (name + ".zst"));
  std::string out;
  char piece[1 << 16];
  while (const size_t size = source->read(piece, sizeof piece)) out.append(piece, size);
  return out;
}

/// What golden.json says of a run.
inline Value asked_of(const std::string& run) {
  const std::string name = "golden.json";
  return parse_json(read_file(kContextsGolden / name), name).at("runs").at(run);
}

/// The analysis's parameters for it.
inline Value::Table routesae_form(const Value& asked) {
  return {{"form", "routesae"},
          {"model", asked.text("model")},
          {"threshold", asked.number("threshold")},
          {"context_length", asked.at("context_length")},
          {"max_per_token", asked.at("max_per_token")},
          {"least_contexts", asked.at("lines")},
          {"top_sequences", asked.at("top_sequences")}};
}

}  // namespace facet
