// Boxes of a plot: five numbers that stand for many.
#pragma once

#include <vector>

#include "facet/plot.h"

namespace facet {

/// What is drawn of the values at one x. The five numbers of y have themselves as their box.
struct Box {
  double x = 0;
  double low = 0, lower = 0, median = 0, upper = 0, high = 0;  ///< whiskers' ends, quartiles
};

/// One for each distinct x, ascending. Points that are not finite, or with log_y not above 0, are
/// left out.
///
/// source  quartiles by linear interpolation (Hyndman and Fan 1996, definition 7, NumPy's default);
///         whiskers to the last value within 1.5 box heights (Tukey 1977). Values beyond them are
///         not drawn.
std::vector<Box> boxes_of(const Plot::Series& series, bool log_y);

}  // namespace facet
