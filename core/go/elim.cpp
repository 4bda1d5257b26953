// Body of elim.
#include "go/elim.h"

#include <algorithm>

#include "facet/error.h"

namespace facet {

UnitsOfTerms::UnitsOfTerms(const Population& population)
    : start(population.unit_count.size() + 1, 0), unit(population.term.size()) {
  for (size_t t = 0; t < population.unit_count.size(); ++t)
    start[t + 1] = start[t] + population.unit_count[t];
  std::vector<int64_t> room(start.begin(), start.end() - 1);
  for (size_t u = 0; u < population.units.size(); ++u)
    for (int64_t e = population.start[u]; e < population.start[u + 1]; ++e)
      unit[static_cast<size_t>(
          room[static_cast<size_t>(population.term[static_cast<size_t>(e)])]++)] =
          static_cast<int32_t>(u);
}

Elim::Elim(const Population& population, const Fisher& fisher, double cutoff)
    : population_(population),
      fisher_(fisher),
      cutoff_(cutoff),
      units_of_(population),
      in_set_(population.units.size(), 0),
      taken_(population.units.size(), 0),
      taken_by_(population.unit_count.size()) {
  FACET_ASSERT(!population.above.start.empty(), "elim needs what each term implies");
}

void Elim::apply(const int32_t* set, int64_t n, std::vector<TermTest>& hits) {
  const Closure& above = population_.above;
  const auto implied = [&](int32_t t) {
    return above.start[static_cast<size_t>(t) + 1] - above.start[static_cast<size_t>(t)];
  };
  // What implies more terms stands deeper: a term implies all that those above it imply, and
  // itself.
  std::sort(hits.begin(), hits.end(), [&](const TermTest& a, const TermTest& b) {
    return implied(a.term) != implied(b.term) ? implied(a.term) > implied(b.term) : a.term < b.term;
  });
  const auto each_unit = [&](int32_t t, auto&& f) {
    for (int64_t e = units_of_.start[static_cast<size_t>(t)];
         e < units_of_.start[static_cast<size_t>(t) + 1]; ++e)
      f(static_cast<size_t>(units_of_.unit[static_cast<size_t>(e)]));
  };
  for (int64_t i = 0; i < n; ++i) in_set_[static_cast<size_t>(set[i])] = 1;
  std::vector<int32_t> touched;
  for (TermTest& test : hits) {
    const std::vector<int32_t>& below = taken_by_[static_cast<size_t>(test.term)];
    if (!below.empty()) {
      for (const int32_t t : below) each_unit(t, [&](size_t u) { taken_[u] = 1; });
      test.k = test.K = 0;
      each_unit(test.term, [&](size_t u) {
        test.K += !taken_[u];
        test.k += !taken_[u] && in_set_[u];
      });
      for (const int32_t t : below) each_unit(t, [&](size_t u) { taken_[u] = 0; });
      test.p = fisher_.p(Tail::greater, test.k, n, test.K);
    }
    if (test.p > cutoff_) continue;
    for (int64_t e = above.start[static_cast<size_t>(test.term)];
         e < above.start[static_cast<size_t>(test.term) + 1]; ++e) {
      const int32_t t = above.term[static_cast<size_t>(e)];
      if (t == test.term) continue;
      taken_by_[static_cast<size_t>(t)].push_back(test.term);
      touched.push_back(t);
    }
  }
  for (const int32_t t : touched) taken_by_[static_cast<size_t>(t)].clear();
  for (int64_t i = 0; i < n; ++i) in_set_[static_cast<size_t>(set[i])] = 0;
}

}  // namespace facet
