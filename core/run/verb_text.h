// Small texts that the verbs share.
#pragma once

#include <string>
#include <vector>

#include "base/hash.h"
#include "facet/value.h"

namespace facet {

/// "blocks.0.out, blocks.1.out".
inline std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "" : ", ") + word;
  return out;
}

/// The sha256 of a value's canonical JSON.
inline std::string digest(const Value& value) { return sha256(emit_json(value)); }

/// "train.lua:12: ", or "" when the value was written nowhere.
inline std::string at(const Value& value) {
  const std::string place = value.origin.text();
  return place.empty() ? "" : place + ": ";
}

}  // namespace facet
