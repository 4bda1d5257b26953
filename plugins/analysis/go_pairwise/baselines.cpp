// Draws the terms of the baselines.
#include "baselines.h"

#include <facet/torch.h>

#include <algorithm>
#include <numeric>
#include <set>

using namespace facet;

namespace {

std::vector<int32_t> drawn(const std::vector<int32_t>& from, int64_t count, Rng rng) {
  const std::vector<int64_t> order = rng.permutation(static_cast<int64_t>(from.size()));
  std::vector<int32_t> out;
  for (size_t i = 0; i < std::min(from.size(), static_cast<size_t>(count)); ++i)
    out.push_back(from[static_cast<size_t>(order[i])]);
  return out;
}

}  // namespace

std::vector<Baseline> draw_baselines(const Ontology& ontology, const std::vector<int32_t>& in_use,
                                     int64_t count, Context& context) {
  std::vector<int32_t> every(static_cast<size_t>(ontology.size()));
  std::iota(every.begin(), every.end(), 0);
  std::vector<Baseline> out;
  for (const auto& [name, pool] :
       {std::pair<const char*, const std::vector<int32_t>&>{"constrained", in_use},
        {"entire", every}}) {
    Baseline baseline{name, {}};
    for (const Aspect aspect : kAspects) {
      std::vector<int32_t> of_aspect;
      for (const int32_t term : pool)
        if (ontology.term(term).aspect == aspect) of_aspect.push_back(term);
      baseline.terms[static_cast<size_t>(aspect)] =
          drawn(of_aspect, count, context.rng(std::string(name) + " " + short_name(aspect)));
    }
    out.push_back(std::move(baseline));
  }
  return out;
}

std::vector<int32_t> annotated_terms(const Annotations& annotations) {
  std::set<int32_t> out;
  for (const std::string& gene : annotations.genes())
    if (const auto* terms = annotations.terms(gene)) out.insert(terms->begin(), terms->end());
  return {out.begin(), out.end()};
}
