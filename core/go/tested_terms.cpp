// Bodies of the tested terms and of the count over a set.
#include "go/tested_terms.h"

#include <algorithm>

namespace facet {

TestedTerms::TestedTerms(const Ontology& ontology, const Population& population,
                         const EnrichmentHow& how) {
  const auto terms = static_cast<size_t>(ontology.size());
  group.assign(terms, -1);
  aspect.assign(terms, 0);
  const auto is_tested = [&](size_t t) {
    const int64_t K = population.unit_count[t];
    const Aspect of = ontology.term(static_cast<int32_t>(t)).aspect;
    return K >= std::max<int64_t>(how.least, 1) && (how.most == 0 || K <= how.most) &&
           std::find(how.aspects.begin(), how.aspects.end(), of) != how.aspects.end();
  };
  for (size_t t = 0; t < terms; ++t)
    if (is_tested(t)) sizes.push_back(population.unit_count[t]);
  std::sort(sizes.begin(), sizes.end());
  sizes.erase(std::unique(sizes.begin(), sizes.end()), sizes.end());
  count.assign(sizes.size(), ByAspect{});
  of_size.resize(sizes.size());
  for (size_t t = 0; t < terms; ++t) {
    aspect[t] = static_cast<uint8_t>(ontology.term(static_cast<int32_t>(t)).aspect);
    if (!is_tested(t)) continue;
    const auto g = static_cast<size_t>(
        std::lower_bound(sizes.begin(), sizes.end(), population.unit_count[t]) - sizes.begin());
    group[t] = static_cast<int32_t>(g);
    ++count[g][aspect[t]];
    ++total[aspect[t]];
    of_size[g].push_back(static_cast<int32_t>(t));
  }
  start = {0};
  for (size_t u = 0; u < population.units.size(); ++u) {
    for (int64_t e = population.start[u]; e < population.start[u + 1]; ++e) {
      const int32_t t = population.term[static_cast<size_t>(e)];
      if (group[static_cast<size_t>(t)] >= 0) term.push_back(t);
    }
    start.push_back(static_cast<int64_t>(term.size()));
  }
}

SetCounter::SetCounter(const TestedTerms& tested)
    : tested_(tested), count_(tested.group.size(), 0), hit_of_size_(tested.sizes.size()) {}

void SetCounter::count(const int32_t* units, int64_t n) {
  for (const int32_t t : hit_) {
    count_[static_cast<size_t>(t)] = 0;
    hit_of_size_[static_cast<size_t>(tested_.group[static_cast<size_t>(t)])] = {};
  }
  hit_.clear();
  for (int64_t i = 0; i < n; ++i) {
    const auto u = static_cast<size_t>(units[i]);
    for (int64_t e = tested_.start[u]; e < tested_.start[u + 1]; ++e) {
      const int32_t t = tested_.term[static_cast<size_t>(e)];
      if (count_[static_cast<size_t>(t)]++ == 0) hit_.push_back(t);
    }
  }
  for (const int32_t t : hit_) {
    const auto at = static_cast<size_t>(t);
    ++hit_of_size_[static_cast<size_t>(tested_.group[at])][tested_.aspect[at]];
  }
}

ByAspect SetCounter::missed(size_t size) const {
  ByAspect out = tested_.count[size];
  for (size_t a = 0; a < out.size(); ++a) out[a] -= hit_of_size_[size][a];
  return out;
}

}  // namespace facet
