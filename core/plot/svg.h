// SVG text of a plot.
#pragma once

#include <string>

#include "facet/plot.h"

namespace facet {

/// A picture of 640 x 360, readable on light and dark pages; equal plots give equal text. Points
/// that cannot be shown are left out (a line is broken there); with none left, the picture says so.
std::string emit_svg(const Plot& plot);

}  // namespace facet
