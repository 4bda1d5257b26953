// Round numbers along an axis.
#pragma once

#include <string>
#include <vector>

namespace facet {

/// 1, 2 or 5 times a power of ten apart, about `wanted` of them, within [low, high]; low < high.
std::vector<double> linear_ticks(double low, double high, int wanted);
/// Powers of ten within [low, high], thinned to about `wanted`; with fewer than three of them, also
/// 2 and 5 times a power. 0 < low < high.
std::vector<double> log_ticks(double low, double high, int wanted);
/// 1, 2 or 5 times a power of ten, the nearest not above (not below) `value` > 0.
double round_below(double value);
double round_above(double value);
/// "0", "0.25", "1500", "1e+06": shortest text of a tick.
std::string tick_text(double value);

}  // namespace facet
