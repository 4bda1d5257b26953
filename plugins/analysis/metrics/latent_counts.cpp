// Counts of firing rows and sequences by latent.
#include "latent_counts.h"

#include <facet/torch.h>

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

}  // namespace

LatentCounts::LatentCounts(int64_t latents)
    : fired_(static_cast<size_t>(latents), 0),
      fired_in_(static_cast<size_t>(latents), 0),
      last_sequence_with_(static_cast<size_t>(latents), 0) {}

void LatentCounts::add(const Codes& codes, const Tensor& sequence) {
  const auto* start = codes.start.const_data_ptr<int64_t>();
  const auto* latent = codes.latent.const_data_ptr<int32_t>();
  const auto* value = codes.value.const_data_ptr<float>();
  const auto* of = sequence.const_data_ptr<int64_t>();
  for (int64_t row = 0; row < codes.rows(); ++row) {
    if (of[row] != last_sequence_) ++sequences_;
    last_sequence_ = of[row];
    for (int64_t e = start[row]; e < start[row + 1]; ++e) {
      if (!(value[e] > 0)) continue;
      const auto j = static_cast<size_t>(latent[e]);
      ++fired_[j];
      fired_in_[j] += last_sequence_with_[j] != sequences_;
      last_sequence_with_[j] = sequences_;
    }
  }
  rows_ += codes.rows();
}

double LatentCounts::frequency(size_t latent) const {
  return static_cast<double>(fired_[latent]) / static_cast<double>(rows_);
}

int64_t LatentCounts::live() const {
  return std::count_if(fired_.begin(), fired_.end(), [](int64_t rows) { return rows > 0; });
}

double LatentCounts::dead_share() const {
  return static_cast<double>(latents() - live()) / static_cast<double>(latents());
}

double LatentCounts::share_above(double frequency) const {
  const auto above = std::count_if(fired_.begin(), fired_.end(), [&](int64_t rows) {
    return static_cast<double>(rows) / static_cast<double>(rows_) > frequency;
  });
  return static_cast<double>(above) / static_cast<double>(latents());
}

Plot::Series LatentCounts::histogram(const std::string& name) const {
  const double one_row = -std::log10(static_cast<double>(std::max<int64_t>(rows_, 1)));
  const double lowest = std::min(kLowest, std::floor(one_row * kBins) / kBins);
  const auto bins = static_cast<size_t>(-lowest * kBins);
  Plot::Series series{name, {}, std::vector<double>(bins, 0.0)};
  for (size_t bin = 0; bin < bins; ++bin)
    series.x.push_back(lowest + (static_cast<double>(bin) + 0.5) / kBins);
  for (size_t latent = 0; latent < fired_.size(); ++latent) {
    if (fired_[latent] == 0) continue;
    const double at = (std::log10(frequency(latent)) - lowest) * kBins;
    series.y[std::min(bins - 1, static_cast<size_t>(std::max(0.0, at)))] += 1;
  }
  return series;
}

void LatentCounts::add_row(Table& table, size_t latent) const {
  const Value per_sequence =
      fired_in_[latent] == 0
          ? Value("")
          : Value(static_cast<double>(fired_[latent]) / static_cast<double>(fired_in_[latent]));
  table.add({static_cast<int64_t>(latent), frequency(latent), fired_[latent], fired_in_[latent],
             per_sequence});
}

Table LatentCounts::table() const {
  Table table(columns());
  for (size_t latent = 0; latent < fired_.size(); ++latent) add_row(table, latent);
  return table;
}

Table LatentCounts::most_frequent(size_t rows) const {
  std::vector<size_t> order(fired_.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return fired_[a] > fired_[b]; });
  Table table(columns());
  for (size_t i = 0; i < std::min(rows, order.size()); ++i) add_row(table, order[i]);
  return table;
}
