// Genes, or clusters of genes, with all the terms they have.
#include <algorithm>
#include <cmath>
#include <map>

#include "facet/enrichment.h"
#include "facet/error.h"

namespace facet {
namespace {

void sort_unique(std::vector<int32_t>& list) {
  std::sort(list.begin(), list.end());
  list.erase(std::unique(list.begin(), list.end()), list.end());
}

void append_unit(const std::string& name, const std::vector<int32_t>& terms, Population& to) {
  to.units.push_back(name);
  to.term.insert(to.term.end(), terms.begin(), terms.end());
  to.start.push_back(static_cast<int64_t>(to.term.size()));
  for (const int32_t term : terms) ++to.unit_count[static_cast<size_t>(term)];
}

Population empty_like(size_t terms, const Closure& above) {
  Population out;
  out.start = {0};
  out.unit_count.assign(terms, 0);
  out.above = above;
  return out;
}

}  // namespace

Population Population::annotated(const Ontology& ontology, Aspect aspect) const {
  Population out = empty_like(unit_count.size(), above);
  for (size_t u = 0; u < units.size(); ++u) {
    std::vector<int32_t> kept;
    for (int64_t e = start[u]; e < start[u + 1]; ++e)
      if (ontology.term(term[static_cast<size_t>(e)]).aspect == aspect)
        kept.push_back(term[static_cast<size_t>(e)]);
    if (!kept.empty()) append_unit(units[u], kept, out);
  }
  return out;
}

Population make_population(const std::vector<std::string>& genes, const Annotations& annotations,
                           const Ontology& ontology, const Closure* closure,
                           const UnitOf& unit_of) {
  std::map<std::string, std::vector<int32_t>> direct;  // ascending by unit
  for (const std::string& gene : genes) {
    std::vector<int32_t>& terms = direct[unit_of ? unit_of(gene) : gene];
    if (const auto* more = annotations.terms(gene))
      terms.insert(terms.end(), more->begin(), more->end());
  }
  Population out = empty_like(static_cast<size_t>(ontology.size()), closure ? *closure : Closure());
  for (auto& [unit, terms] : direct) {
    sort_unique(terms);
    std::vector<int32_t> all = terms;
    if (closure)
      for (const int32_t term : terms)
        all.insert(all.end(), closure->term.begin() + closure->start[static_cast<size_t>(term)],
                   closure->term.begin() + closure->start[static_cast<size_t>(term) + 1]);
    sort_unique(all);
    append_unit(unit, all, out);
  }
  return out;
}

void UnitSets::add(std::vector<int32_t> units) {
  sort_unique(units);
  unit.insert(unit.end(), units.begin(), units.end());
  start.push_back(static_cast<int64_t>(unit.size()));
}

UnitSets permuted(const UnitSets& sets, int64_t units, const std::vector<int32_t>& stratum,
                  Rng& rng) {
  std::map<int32_t, std::vector<int32_t>> members;
  for (int64_t u = 0; u < units; ++u)
    members[stratum.empty() ? 0 : stratum[static_cast<size_t>(u)]].push_back(
        static_cast<int32_t>(u));
  std::vector<int32_t> place(static_cast<size_t>(units));
  for (const auto& [number, here] : members) {
    const std::vector<int64_t> order = rng.permutation(static_cast<int64_t>(here.size()));
    for (size_t i = 0; i < here.size(); ++i)
      place[static_cast<size_t>(here[i])] = here[static_cast<size_t>(order[i])];
  }
  UnitSets out;
  for (int64_t s = 0; s < sets.size(); ++s) {
    std::vector<int32_t> moved;
    for (int64_t e = sets.start[static_cast<size_t>(s)]; e < sets.start[static_cast<size_t>(s) + 1];
         ++e)
      moved.push_back(place[static_cast<size_t>(sets.unit[static_cast<size_t>(e)])]);
    out.add(std::move(moved));
  }
  return out;
}

double information_content(int64_t K, int64_t N) {
  return std::log(static_cast<double>(N) / static_cast<double>(K));
}

}  // namespace facet
