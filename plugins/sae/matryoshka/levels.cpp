// Bodies of the levels.
#include "levels.h"

#include <cmath>
#include <numeric>

namespace facet {
namespace {

constexpr double kWhole = 1e-6;  // what fractions that are written in decimals may be off by

std::vector<int64_t> widths_of(const MatryoshkaParams& p) {
  std::vector<int64_t> out = p.widths;
  if (out.empty())
    for (const double fraction : p.fractions)
      out.push_back((out.empty() ? 0 : out.back()) +
                    static_cast<int64_t>(fraction * static_cast<double>(p.d_sae)));
  if (p.widths.empty()) out.pop_back();
  if (out.empty() || out.back() != p.d_sae) out.push_back(p.d_sae);
  return out;
}

std::string number(double value) { return emit_json(Value(value)); }

}  // namespace

std::vector<std::string> level_sum_words() { return {"sum", "mean", "mean_of_shares"}; }

std::vector<NestedLevel> levels_of(const MatryoshkaParams& p) {
  std::vector<NestedLevel> out;
  if (p.bias_level) out.push_back({0, 1});
  for (const int64_t width : widths_of(p)) out.push_back({width, 1});
  const auto count = static_cast<double>(out.size());
  for (size_t i = 0; i < out.size(); ++i) {
    if (!p.level_weights.empty()) out[i].weight = p.level_weights[i];
    if (p.level_sum != "sum") out[i].weight /= count;
    if (p.level_sum == "mean_of_shares") out[i].weight /= count;
  }
  return out;
}

std::string problem_of_levels(const MatryoshkaParams& p) {
  if (p.widths.empty()) {
    const double sum = std::accumulate(p.fractions.begin(), p.fractions.end(), 0.0);
    if (std::abs(sum - 1) > kWhole) return "fractions: add up to " + number(sum) + ", should be 1";
    for (const double fraction : p.fractions)
      if (fraction * static_cast<double>(p.d_sae) < 1)
        return "fractions: " + number(fraction) + " of d_sae (" + std::to_string(p.d_sae) +
               ") is no latent";
  }
  const std::vector<int64_t> widths = widths_of(p);
  for (size_t i = 0; i < widths.size(); ++i)
    if (widths[i] <= (i > 0 ? widths[i - 1] : 0) || widths[i] > p.d_sae)
      return "widths: should rise from above 0 to d_sae (" + std::to_string(p.d_sae) + "), has " +
             std::to_string(widths[i]);
  const size_t levels = widths.size() + (p.bias_level ? 1 : 0);
  if (!p.level_weights.empty() && p.level_weights.size() != levels)
    return "level_weights: has " + std::to_string(p.level_weights.size()) + ", there are " +
           std::to_string(levels) + " levels";
  for (const double weight : p.level_weights)
    if (weight < 0) return "level_weights: has " + number(weight) + ", must be at least 0";
  return "";
}

}  // namespace facet
