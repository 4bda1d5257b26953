// Bins and table rows of how often each latent fires.
#include "densities.h"

#include <algorithm>
#include <cmath>
#include <numeric>

using namespace facet;

namespace {

constexpr double kBins = 2;  // in one unit of log10
constexpr double kLowest = -4;

std::vector<Column> columns() {
  return {{"latent", "number of the latent, from 0"},
          {"frequency", "share of the rows on which it fires (value > 0): its density"},
          {"rows", "rows on which it fires"},
          {"sequences", "sequences in which it fires"},
          {"rows_per_sequence",
           "rows on which it fires / sequences in which it fires, empty when it never does "
           "(SAELens' consistent_activation_heuristic)"}};
}

void add_row(Table& table, const LatentCounts& counts, size_t latent) {
  const int64_t fired = counts.fired()[latent], fired_in = counts.fired_in()[latent];
  const Value per_sequence =
      fired_in == 0 ? Value("") : Value(static_cast<double>(fired) / static_cast<double>(fired_in));
  table.add(
      {static_cast<int64_t>(latent), counts.frequency(latent), fired, fired_in, per_sequence});
}

}  // namespace

Plot::Series density_histogram(const LatentCounts& counts, const std::string& name) {
  const double one_row = -std::log10(static_cast<double>(std::max<int64_t>(counts.rows(), 1)));
  const double lowest = std::min(kLowest, std::floor(one_row * kBins) / kBins);
  const auto bins = static_cast<size_t>(-lowest * kBins);
  Plot::Series series{name, {}, std::vector<double>(bins, 0.0)};
  for (size_t bin = 0; bin < bins; ++bin)
    series.x.push_back(lowest + (static_cast<double>(bin) + 0.5) / kBins);
  for (size_t latent = 0; latent < counts.fired().size(); ++latent) {
    if (counts.fired()[latent] == 0) continue;
    const double at = (std::log10(counts.frequency(latent)) - lowest) * kBins;
    series.y[std::min(bins - 1, static_cast<size_t>(std::max(0.0, at)))] += 1;
  }
  return series;
}

Table density_table(const LatentCounts& counts) {
  Table table(columns());
  for (size_t latent = 0; latent < counts.fired().size(); ++latent) add_row(table, counts, latent);
  return table;
}

Table most_frequent(const LatentCounts& counts, size_t rows) {
  std::vector<size_t> order(counts.fired().size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return counts.fired()[a] > counts.fired()[b]; });
  Table table(columns());
  for (size_t i = 0; i < std::min(rows, order.size()); ++i) add_row(table, counts, order[i]);
  return table;
}
