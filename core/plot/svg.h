// SVG text of a plot.
#pragma once

#include <string>
#include <vector>

#include "facet/plot.h"

namespace facet {

/// A picture of 640 x 360, readable on light and dark pages; equal plots give equal text. Points
/// that cannot be shown are left out (a line is broken there); with none left, the picture says so.
/// Of a mark of points 30,000 places are drawn at most; histograms at its margins count all points.
std::string emit_svg(const Plot& plot);
/// Several of them, one below the other, under one title; their own titles stand over each.
std::string emit_svg_column(const std::string& title, const std::vector<Plot>& plots);

}  // namespace facet
