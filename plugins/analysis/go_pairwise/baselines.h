// Random terms, and all pairs between them: what the latents' pairs are compared with.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "facet/analysis.h"
#include "facet/ontology.h"

struct Baseline {
  std::string name;  ///< "constrained": of terms that are in use; "entire": of all terms
  std::array<std::vector<int32_t>, facet::kAspects.size()> terms;  ///< in the order of the draw
};

/// `count` terms of each namespace, or all where there are fewer, drawn without replacement.
///
/// in_use  ascending, each once: what "constrained" draws from.
std::vector<Baseline> draw_baselines(const facet::Ontology& ontology,
                                     const std::vector<int32_t>& in_use, int64_t count,
                                     facet::Context& context);

/// All terms that a gene has directly; ascending, each once.
std::vector<int32_t> annotated_terms(const facet::Annotations& annotations);
