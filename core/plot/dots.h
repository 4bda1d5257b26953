// Dots of a plot of points, and the histograms at its margins.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "plot/svg_text.h"

namespace facet {

/// Where a point stands, in pixels.
struct Place {
  double x, y;
};

/// Dots of one series as one path, each place once. Of more than `most` places every n-th is drawn:
/// the text stays short however many points there are.
std::string dots_text(const std::vector<Place>& places, const std::string& colour, size_t most);

/// Where a histogram stands: its bars begin at `base` and are `length` pixels long at most.
enum class Side { above = 1, right };

/// Histograms of one coordinate of all series in 32 bins along `axis`, over one another; bars are
/// shares of their series, all to one scale.
///
/// at  [series][points] pixels along the axis; a series without points has no bars.
std::string margin_text(const std::vector<std::vector<double>>& at, const Axis& axis, Side side,
                        double base, double length);

}  // namespace facet
