// Sorts the rows of a table into latents and namespaces.
#include "latent_terms.h"

#include <facet/torch.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <set>

using namespace facet;

namespace {

struct Candidate {
  int32_t term = 0;
  double p = 1;
};

// Counts rows by the reason for which they are left out.
class RowsLeftOut {
 public:
  void add(const std::string& why, const EnrichedTerm& row) {
    const auto same = std::find_if(all_.begin(), all_.end(),
                                   [&](const PassedOver& one) { return one.what == why; });
    if (same != all_.end())
      ++same->times;
    else
      all_.push_back({why, 1, row.term + " of latent " + std::to_string(row.latent)});
  }
  std::vector<PassedOver> take() { return std::move(all_); }

 private:
  std::vector<PassedOver> all_;
};

// Whether each is among the `most` of smallest p, the first of equal ones.
std::vector<bool> among_smallest(const std::vector<Candidate>& candidates, int64_t most) {
  std::vector<size_t> order(candidates.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return candidates[a].p < candidates[b].p; });
  std::vector<bool> out(candidates.size(), most == 0);
  for (size_t i = 0; i < std::min(order.size(), static_cast<size_t>(most)); ++i)
    out[order[i]] = true;
  return out;
}

double weight_of(double p, double cap) { return p > 0 ? std::min(-std::log10(p), cap) : cap; }

}  // namespace

LatentTerms latent_terms(const std::vector<EnrichedTerm>& table, const Ontology& ontology,
                         const TermChoice& choice) {
  LatentTerms out;
  RowsLeftOut left_out;
  std::set<int32_t> used;
  std::map<std::pair<int64_t, Aspect>, std::vector<Candidate>> of;
  for (const EnrichedTerm& row : table) {
    const auto term = ontology.find(row.term);
    if (!term) {
      ++out.unknown;
      left_out.add(ontology.is_obsolete(row.term) ? "terms that are obsolete in the OBO file"
                                                  : "terms that the OBO file has not",
                   row);
      continue;
    }
    used.insert(*term);
    if (row.p >= choice.alpha) {
      left_out.add("terms whose p is not below alpha", row);
      continue;
    }
    if (!row.enriched && !choice.purified) {
      left_out.add("terms that are purified, not enriched", row);
      continue;
    }
    std::vector<Candidate>& terms = of[{row.latent, ontology.term(*term).aspect}];
    const auto same = std::find_if(terms.begin(), terms.end(),
                                   [&](const Candidate& one) { return one.term == *term; });
    if (same == terms.end()) {
      terms.push_back({*term, row.p});
    } else {
      same->p = std::min(same->p, row.p);
      left_out.add("terms that stand twice for their latent", row);
    }
  }
  out.used.assign(used.begin(), used.end());
  for (const auto& [key, candidates] : of) {
    TermGroup group{key.first, key.second, {}};
    const std::vector<bool> kept = among_smallest(candidates, choice.max_terms);
    for (size_t i = 0; i < candidates.size(); ++i) {
      const auto& [term, p] = candidates[i];
      if (kept[i])
        group.members.push_back({term, weight_of(p, choice.cap)});
      else
        left_out.add("terms beyond max_terms", {key.first, ontology.term(term).id, p});
    }
    out.groups.push_back(std::move(group));
  }
  out.left_out = left_out.take();
  return out;
}
