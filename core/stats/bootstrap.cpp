// Sums over groups, and the percentile bootstrap over them.
#include <algorithm>
#include <array>
#include <cmath>

#include "facet/error.h"
#include "facet/stats.h"

namespace facet {
namespace {

// Resamples that are summed side by side: a group's sums are read once for all of them.
constexpr size_t kTogether = 8;

// How often each group is drawn in one resample.
void draw(Rng& rng, std::vector<uint32_t>& times) {
  std::fill(times.begin(), times.end(), 0);
  for (size_t i = 0; i < times.size(); ++i) ++times[rng.below(times.size())];
}

void add_times(uint32_t times, const double* from, std::vector<double>& sums) {
  const auto weight = static_cast<double>(times);
  double* into = sums.data();
  for (size_t i = 0; i < sums.size(); ++i) into[i] += weight * from[i];
}

// The figures of each resample: [figures][resamples].
std::vector<std::vector<double>> resample(const GroupSums& sums, const FiguresOfSums& figures,
                                          int64_t resamples, Rng& rng) {
  std::vector<std::vector<double>> out;
  std::array<std::vector<uint32_t>, kTogether> times;
  std::array<std::vector<double>, kTogether> drawn;
  for (int64_t done = 0; done < resamples; done += kTogether) {
    const size_t now = std::min<size_t>(kTogether, static_cast<size_t>(resamples - done));
    for (size_t r = 0; r < now; ++r) {
      times[r].resize(sums.groups());
      draw(rng, times[r]);
      drawn[r].assign(sums.columns(), 0.0);
    }
    for (size_t group = 0; group < sums.groups(); ++group)
      for (size_t r = 0; r < now; ++r)
        if (times[r][group] > 0) add_times(times[r][group], sums.of(group), drawn[r]);
    for (size_t r = 0; r < now; ++r) {
      const std::vector<double> values = figures(drawn[r]);
      out.resize(values.size());
      for (size_t f = 0; f < values.size(); ++f) out[f].push_back(values[f]);
    }
  }
  return out;
}

double quantile(const std::vector<double>& sorted, double share) {
  const double at = share * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<size_t>(at);
  const size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (at - static_cast<double>(below)) * (sorted[above] - sorted[below]);
}

// "95 %", "99.5 %"
std::string percent(double level) {
  std::string text = std::to_string(std::lround(level * 1000) / 10);
  const long tenth = std::lround(level * 1000) % 10;
  return text + (tenth == 0 ? "" : "." + std::to_string(tenth)) + " %";
}

}  // namespace

GroupSums::GroupSums(size_t columns, size_t most_groups)
    : columns_(columns), most_groups_(most_groups) {
  FACET_ASSERT(columns > 0 && most_groups > 0, "sums need a column and a group");
}

void GroupSums::add(int64_t key, const double* values) {
  FACET_ASSERT(key >= 0, "a group's key is negative");
  const auto [at, is_new] = place_.emplace(key % static_cast<int64_t>(most_groups_), groups());
  if (is_new) sums_.resize(sums_.size() + columns_, 0.0);
  double* into = sums_.data() + at->second * columns_;
  for (size_t i = 0; i < columns_; ++i) into[i] += values[i];
}

std::vector<double> GroupSums::total() const {
  std::vector<double> out(columns_, 0.0);
  for (size_t group = 0; group < groups(); ++group) add_times(1, of(group), out);
  return out;
}

std::vector<std::optional<Interval>> bootstrap(const GroupSums& sums, const FiguresOfSums& figures,
                                               const Bootstrap& how, Rng& rng) {
  std::vector<std::optional<Interval>> out(figures(sums.total()).size());
  if (sums.groups() < 2 || how.resamples < 1) return out;
  std::vector<std::vector<double>> values = resample(sums, figures, how.resamples, rng);
  const std::string definition = percent(how.level) + ", percentile bootstrap over " + how.groups +
                                 ", " + std::to_string(how.resamples) + " resamples";
  for (size_t f = 0; f < out.size(); ++f) {
    std::vector<double>& of = values[f];
    if (!std::all_of(of.begin(), of.end(), [](double v) { return std::isfinite(v); })) continue;
    std::sort(of.begin(), of.end());
    out[f] =
        Interval{quantile(of, (1 - how.level) / 2), quantile(of, (1 + how.level) / 2), definition};
  }
  return out;
}

}  // namespace facet
