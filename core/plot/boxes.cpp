// Bodies of the boxes.
#include "plot/boxes.h"

#include <algorithm>
#include <cmath>
#include <map>

namespace facet {
namespace {

constexpr double kWhisker = 1.5;  // box heights

double quantile_of(const std::vector<double>& sorted, double share) {
  const double at = share * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<size_t>(at);
  const size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (at - static_cast<double>(below)) * (sorted[above] - sorted[below]);
}

Box box_of(double x, std::vector<double>& y) {
  std::sort(y.begin(), y.end());
  Box box{x, 0, quantile_of(y, 0.25), quantile_of(y, 0.5), quantile_of(y, 0.75), 0};
  const double reach = kWhisker * (box.upper - box.lower);
  // A quartile may lie between two values, and no value between it and the fence: then no whisker.
  box.low = std::min(box.lower, *std::lower_bound(y.begin(), y.end(), box.lower - reach));
  box.high = std::max(box.upper, *(std::upper_bound(y.begin(), y.end(), box.upper + reach) - 1));
  return box;
}

}  // namespace

std::vector<Box> boxes_of(const Plot::Series& series, bool log_y) {
  std::map<double, std::vector<double>> at;
  for (size_t i = 0; i < std::min(series.x.size(), series.y.size()); ++i) {
    const double x = series.x[i], y = series.y[i];
    if (std::isfinite(x) && std::isfinite(y) && (!log_y || y > 0)) at[x].push_back(y);
  }
  std::vector<Box> out;
  for (auto& [x, y] : at) out.push_back(box_of(x, y));
  return out;
}

}  // namespace facet
