// A picture of a report, as data: curves, bars, points or boxes with their axes. Drawn as SVG by
// the kernel.
#pragma once

#include <string>
#include <vector>

namespace facet {

/// boxes: for each distinct x of a series the quartiles of its y as a box with the median in it,
/// whiskers to the last value within 1.5 box heights.
enum class Mark { line = 1, bars, points, boxes };

/// A picture of a report: drawn as SVG into the artefacts. Bars stand side by side at their x. A
/// point that is not finite is left out, and so is one that is not above 0 when log_y.
struct Plot {
  struct Series {
    std::string name;  ///< shown when there are several
    std::vector<double> x, y;
  };
  std::string name;   ///< file name in the artefacts folder, without ending
  std::string title;  ///< a sentence for report.md
  std::string x_label, y_label;
  Mark mark = Mark::line;
  bool log_y = false;
  bool margins = false;  ///< of points: a histogram of x above, and one of y at the right
  std::vector<Series> series = {};
};

}  // namespace facet
