// Bodies of the pieces of SVG text.
#include "plot/svg_text.h"

#include <cmath>
#include <cstdio>
#include <iterator>

namespace facet {
namespace {

// Okabe and Ito 2008, on white and on black.
constexpr const char* kColours[] = {"#0072b2", "#d55e00", "#009e73",
                                    "#cc79a7", "#e69f00", "#56b4e9"};

constexpr const char* kStyle =
    "<style>svg{background:#fff;font:12px sans-serif}text{fill:#222}"
    ".axis{stroke:#222;fill:none}.grid{stroke:#ddd}"
    "@media(prefers-color-scheme:dark){svg{background:#161616}text{fill:#ddd}"
    ".axis{stroke:#ddd}.grid{stroke:#3a3a3a}}</style>\n";

std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '&')
      out += "&amp;";
    else if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else if (c == '"')
      out += "&quot;";
    else
      out += c;
  }
  return out;
}

}  // namespace

std::string px(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f", value);
  std::string out = text;
  if (out.ends_with(".0")) out.resize(out.size() - 2);
  return out == "-0" ? "0" : out;
}

std::string text_at(double x, double y, const char* anchor, const std::string& text,
                    const std::string& more) {
  return "<text x=\"" + px(x) + "\" y=\"" + px(y) + "\" text-anchor=\"" + anchor + "\"" + more +
         ">" + escaped(text) + "</text>\n";
}

std::string rect_between(double left, double top, double right, double bottom,
                         const std::string& more) {
  return "<rect x=\"" + px(left) + "\" y=\"" + px(top) + "\" width=\"" + px(right - left) +
         "\" height=\"" + px(bottom - top) + "\"" + more + "/>\n";
}

std::string svg_opening(const std::string& title, double width, double height) {
  return "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"" + px(width) + "\" height=\"" +
         px(height) + "\" viewBox=\"0 0 " + px(width) + " " + px(height) +
         "\" role=\"img\">\n<title>" + escaped(title) + "</title>\n" + kStyle;
}

std::string colour_of(size_t series) { return kColours[series % std::size(kColours)]; }

double Axis::at(double value) const {
  const double share =
      log ? std::log(value / low) / std::log(high / low) : (value - low) / (high - low);
  return from + share * (to - from);
}

}  // namespace facet
