// Fewer points of a plot: what a picture can show.
#pragma once

#include "facet/plot.h"

namespace facet {

/// Leaves about a thousand points of each series of lines and points: every n-th, and the last. Of
/// boxes, the five numbers that have the same box. Bars stay as they are.
void thin(Plot& plot);

}  // namespace facet
