// Body of the draws: Floyd's algorithm within each stratum.
#include "go/draws.h"

#include <algorithm>

namespace facet {

Draws::Draws(const TestedTerms& tested, int64_t units, const std::vector<int32_t>& stratum)
    : tested_(tested),
      stratum_(stratum.empty() ? std::vector<int32_t>(static_cast<size_t>(units), 0) : stratum),
      counter_(tested),
      drawn_(static_cast<size_t>(units), 0) {
  for (size_t u = 0; u < stratum_.size(); ++u) {
    const auto s = static_cast<size_t>(stratum_[u]);
    if (s >= members_.size()) members_.resize(s + 1);
    members_[s].push_back(static_cast<int32_t>(u));
  }
}

std::vector<double> Draws::smallest(const int32_t* set, int64_t n, int64_t times, Over over,
                                    Rng& rng, TableMemo& memo) {
  std::vector<int64_t> wanted(members_.size(), 0);
  for (int64_t i = 0; i < n; ++i)
    ++wanted[static_cast<size_t>(stratum_[static_cast<size_t>(set[i])])];
  std::vector<double> out;
  for (int64_t draw = 0; draw < times; ++draw) {
    std::vector<int32_t> units;
    for (size_t s = 0; s < members_.size(); ++s) {
      const auto size = static_cast<int64_t>(members_[s].size());
      for (int64_t last = size - wanted[s]; last < size; ++last) {
        const int32_t other =
            members_[s][static_cast<size_t>(rng.below(static_cast<uint64_t>(last) + 1))];
        const int32_t unit =
            drawn_[static_cast<size_t>(other)] ? members_[s][static_cast<size_t>(last)] : other;
        drawn_[static_cast<size_t>(unit)] = 1;
        units.push_back(unit);
      }
    }
    for (const int32_t unit : units) drawn_[static_cast<size_t>(unit)] = 0;
    counter_.count(units.data(), n);
    out.push_back(smallest_of_counted(over, memo));
  }
  std::sort(out.begin(), out.end());
  return out;
}

double Draws::smallest_of_counted(Over over, TableMemo& memo) const {
  double smallest = 1;
  for (const int32_t term : counter_.hit())
    smallest =
        std::min(smallest, memo.p(static_cast<size_t>(tested_.group[static_cast<size_t>(term)]),
                                  counter_.units_with(term)));
  if (over == Over::hit) return smallest;
  for (size_t size = 0; size < tested_.sizes.size(); ++size) {
    const ByAspect missed = counter_.missed(size);
    if (missed[0] + missed[1] + missed[2] > 0) smallest = std::min(smallest, memo.p(size, 0));
  }
  return smallest;
}

}  // namespace facet
