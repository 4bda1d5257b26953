// Bodies of the ticks.
#include "plot/ticks.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace facet {
namespace {

// Ticks may lie on the end of an axis, whatever rounding made of it.
constexpr double kSlack = 1e-9;
constexpr double kFactors[] = {1, 2, 5};

}  // namespace

std::vector<double> linear_ticks(double low, double high, int wanted) {
  const double rough = (high - low) / wanted;
  const double power = std::pow(10.0, std::floor(std::log10(rough)));
  double step = 10 * power;
  for (const double factor : kFactors)
    if (factor * power >= rough) step = std::min(step, factor * power);
  std::vector<double> out;
  const double slack = kSlack * (high - low);
  for (double i = std::ceil((low - slack) / step); i * step <= high + slack; ++i)
    out.push_back(i == 0 ? 0 : i * step);
  return out;
}

std::vector<double> log_ticks(double low, double high, int wanted) {
  const int first = static_cast<int>(std::ceil(std::log10(low) - kSlack));
  const int last = static_cast<int>(std::floor(std::log10(high) + kSlack));
  std::vector<double> out;
  if (last > first + 1) {
    const int step = std::max(1, (last - first + wanted) / wanted);
    for (int power = first; power <= last; power += step) out.push_back(std::pow(10.0, power));
    return out;
  }
  for (int power = first - 1; power <= last + 1; ++power)
    for (const double factor : kFactors) {
      const double tick = factor * std::pow(10.0, power);
      if (tick >= low * (1 - kSlack) && tick <= high * (1 + kSlack)) out.push_back(tick);
    }
  return out;
}

double round_below(double value) {
  const double power = std::pow(10.0, std::floor(std::log10(value)));
  double out = power;
  for (const double factor : kFactors)
    if (factor * power <= value * (1 + kSlack)) out = factor * power;
  return out;
}

double round_above(double value) {
  const double power = std::pow(10.0, std::floor(std::log10(value)));
  for (const double factor : kFactors)
    if (factor * power >= value * (1 - kSlack)) return factor * power;
  return 10 * power;
}

std::string tick_text(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.6g", value);
  return text;
}

}  // namespace facet
