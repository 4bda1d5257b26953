// Draws rows of quantiles.
#include "quantiles.h"

#include <algorithm>
#include <set>

using namespace facet;

namespace {

// `n` different numbers of begin .. end - 1, ascending; all of them when there are fewer. Floyd's
// way (Bentley and Floyd 1987, Communications of the ACM 30(9)): n draws however many there are.
std::set<int64_t> drawn(int64_t begin, int64_t end, int64_t n, Rng& rng) {
  std::set<int64_t> out;
  for (int64_t last = std::max(begin, end - n); last < end; ++last) {
    const auto one =
        begin + static_cast<int64_t>(rng.below(static_cast<uint64_t>(last - begin + 1)));
    out.insert(out.contains(one) ? last : one);
  }
  return out;
}

}  // namespace

std::vector<Chosen> chosen_rows(int64_t firing, const QuantileParams& params, Rng rng) {
  const int64_t top = std::min(firing, params.top);
  std::vector<Chosen> out;
  for (int64_t i = 0; i < top; ++i) out.push_back({i, 0});
  for (int64_t quantile = params.quantiles; quantile >= 1; --quantile) {
    const int64_t begin = firing * (params.quantiles - quantile) / params.quantiles;
    const int64_t end = firing * (params.quantiles - quantile + 1) / params.quantiles;
    for (const int64_t i : drawn(std::max(begin, top), end, params.per_quantile, rng))
      out.push_back({i, quantile});
  }
  return out;
}
