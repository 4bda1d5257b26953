// Numbers of a model's configuration, checked against what is sensible.
#pragma once

#include <cstdint>

#include "json_node.h"

namespace facet::llama {

/// What may be absurd in a configuration is refused before anything is allocated for it.
constexpr int64_t kMostBlocks = 1024, kMostWidth = 1 << 20, kMostTokens = 1 << 24;

/// An integer from 1 to `most`; `otherwise` when there is none, 0: it is required. 1 after a
/// problem.
int64_t count(const layers::JsonNode& node, int64_t most, int64_t otherwise = 0);
/// A number above 0, likewise.
double positive(const layers::JsonNode& node, double otherwise = 0);

}  // namespace facet::llama
