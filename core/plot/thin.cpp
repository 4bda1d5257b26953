// Body of the thinning of plots.
#include "plot/thin.h"

namespace facet {
namespace {

// Points of a curve beyond what a picture can show.
constexpr size_t kMostPoints = 1000;

}  // namespace

void thin(Plot& plot) {
  for (Plot::Series& series : plot.series) {
    const size_t every = series.x.size() / kMostPoints + 1;
    Plot::Series kept{series.name, {}, {}};
    for (size_t i = 0; i < series.x.size(); ++i)
      if (i % every == 0 || i + 1 == series.x.size()) {
        kept.x.push_back(series.x[i]);
        kept.y.push_back(series.y[i]);
      }
    series = std::move(kept);
  }
}

}  // namespace facet
