// Body of the thinning of plots.
#include "plot/thin.h"

#include "plot/boxes.h"

namespace facet {
namespace {

// Points of a curve beyond what a picture can show.
constexpr size_t kMostPoints = 1000;

Plot::Series every_nth(const Plot::Series& series) {
  const size_t every = series.x.size() / kMostPoints + 1;
  Plot::Series kept{series.name, {}, {}};
  for (size_t i = 0; i < series.x.size(); ++i)
    if (i % every == 0 || i + 1 == series.x.size()) {
      kept.x.push_back(series.x[i]);
      kept.y.push_back(series.y[i]);
    }
  return kept;
}

Plot::Series five_numbers(const Plot::Series& series, bool log_y) {
  Plot::Series kept{series.name, {}, {}};
  for (const Box& box : boxes_of(series, log_y))
    for (const double y : {box.low, box.lower, box.median, box.upper, box.high}) {
      kept.x.push_back(box.x);
      kept.y.push_back(y);
    }
  return kept;
}

}  // namespace

void thin(Plot& plot) {
  if (plot.mark == Mark::bars) return;
  for (Plot::Series& series : plot.series)
    series = plot.mark == Mark::boxes ? five_numbers(series, plot.log_y) : every_nth(series);
}

}  // namespace facet
