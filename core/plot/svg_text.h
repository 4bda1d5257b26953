// Pieces of SVG text, and where on a picture things stand.
#pragma once

#include <cstddef>
#include <string>

namespace facet {

/// A number of pixels with one digit, none where it is 0: "12.5", "12".
std::string px(double value);
/// A text whose `anchor` ("start", "middle", "end") stands at (x, y); `more` are attributes.
std::string text_at(double x, double y, const char* anchor, const std::string& text,
                    const std::string& more = "");
/// A rectangle between two corners; `more` are attributes.
std::string rect_between(double left, double top, double right, double bottom,
                         const std::string& more);
/// Everything before the first picture.
std::string svg_opening(const std::string& title, double width, double height);
/// Of a series by its number; told apart by colour-blind readers too.
std::string colour_of(size_t series);

/// One axis: values to pixels.
struct Axis {
  double low = 0, high = 1;
  double from = 0, to = 1;  ///< pixels of low and high
  bool log = false;

  double at(double value) const;
};

}  // namespace facet
