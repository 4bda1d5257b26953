// Fewer points of a plot: what a picture can show.
#pragma once

#include "facet/plot.h"

namespace facet {

/// Leaves about a thousand points of each series at most: every n-th, and the last.
void thin(Plot& plot);

}  // namespace facet
