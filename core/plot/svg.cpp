// Body of the SVG: a frame of axes, then the series.
#include "plot/svg.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>

#include "plot/ticks.h"

namespace facet {
namespace {

// Pixels.
constexpr double kWidth = 640, kHeight = 360;
constexpr double kLeft = 72, kRight = 616, kTop = 44, kBottom = 304;
constexpr int kTicksX = 8, kTicksY = 5;
constexpr double kLegendRow = 18;

// Told apart by colour-blind readers too (Okabe and Ito 2008), on white and on black.
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

std::string px(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f", value);
  std::string out = text;
  if (out.ends_with(".0")) out.resize(out.size() - 2);
  return out == "-0" ? "0" : out;
}

std::string text_at(double x, double y, const char* anchor, const std::string& text,
                    const std::string& more = "") {
  return "<text x=\"" + px(x) + "\" y=\"" + px(y) + "\" text-anchor=\"" + anchor + "\"" + more +
         ">" + escaped(text) + "</text>\n";
}

// Everything before the first picture.
std::string opening(const std::string& title, double height) {
  return "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"" + px(kWidth) + "\" height=\"" +
         px(height) + "\" viewBox=\"0 0 " + px(kWidth) + " " + px(height) +
         "\" role=\"img\">\n<title>" + escaped(title) + "</title>\n" + kStyle;
}

// One axis: values to pixels.
struct Axis {
  double low = 0, high = 1;
  double from = 0, to = 1;  // pixels of low and high
  bool log = false;

  double at(double value) const {
    const double share =
        log ? std::log(value / low) / std::log(high / low) : (value - low) / (high - low);
    return from + share * (to - from);
  }
};

struct Point {
  double x, y;
  bool shown;
};

std::vector<Point> points_of(const Plot::Series& series, bool log_y) {
  std::vector<Point> out;
  for (size_t i = 0; i < std::min(series.x.size(), series.y.size()); ++i) {
    const double x = series.x[i], y = series.y[i];
    out.push_back({x, y, std::isfinite(x) && std::isfinite(y) && (!log_y || y > 0)});
  }
  return out;
}

class Picture {
 public:
  explicit Picture(const Plot& plot) : plot_(plot) {
    for (const Plot::Series& series : plot.series) points_.push_back(points_of(series, plot.log_y));
    fit_axes();
  }

  std::string text() const {
    std::string out = text_at((kLeft + kRight) / 2, 24, "middle", plot_.title);
    out += axes();
    if (!any_) out += text_at((kLeft + kRight) / 2, (kTop + kBottom) / 2, "middle", "no data");
    for (size_t i = 0; i < points_.size(); ++i) out += plot_.mark == Mark::bars ? bars(i) : line(i);
    if (points_.size() > 1) out += legend();
    return out;
  }

 private:
  void fit_axes() {
    double low_x = std::numeric_limits<double>::infinity(), high_x = -low_x;
    double low_y = low_x, high_y = high_x;
    for (const auto& series : points_)
      for (const Point& point : series) {
        if (!point.shown) continue;
        any_ = true;
        low_x = std::min(low_x, point.x);
        high_x = std::max(high_x, point.x);
        low_y = std::min(low_y, point.y);
        high_y = std::max(high_y, point.y);
      }
    x_ = {0, 1, kLeft, kRight, false};
    y_ = {plot_.log_y ? 0.1 : 0.0, 1, kBottom, kTop, plot_.log_y};
    if (!any_) return;
    const bool bars = plot_.mark == Mark::bars;
    gap_ = smallest_gap();
    widen(low_x, high_x, bars ? gap_ / 2 : 0);
    x_.low = low_x;
    x_.high = high_x;
    if (plot_.log_y) {
      // A bar that ended where the axis begins would have no height.
      y_.low = bars ? round_below(low_y / 2) : round_below(low_y);
      y_.high = round_above(high_y);
      if (y_.high <= y_.low) y_.high = y_.low * 10;
      return;
    }
    if (bars) {
      low_y = std::min(low_y, 0.0);
      high_y = std::max(high_y, 0.0);
    }
    widen(low_y, high_y, 0);
    const std::vector<double> ticks = linear_ticks(low_y, high_y, kTicksY);
    const double step = ticks.size() > 1 ? ticks[1] - ticks[0] : high_y - low_y;
    y_.low = std::floor(low_y / step + 1e-9) * step;
    y_.high = std::ceil(high_y / step - 1e-9) * step;
  }

  // Room around the values, and some where all are the same.
  static void widen(double& low, double& high, double room) {
    low -= room;
    high += room;
    if (low < high) return;
    const double around = low == 0 ? 1 : std::abs(low) / 2;
    low -= around;
    high += around;
  }

  // Between neighbours on the x axis; 1 when there are none.
  double smallest_gap() const {
    std::vector<double> all;
    for (const auto& series : points_)
      for (const Point& point : series)
        if (point.shown) all.push_back(point.x);
    std::sort(all.begin(), all.end());
    double gap = 0;
    for (size_t i = 1; i < all.size(); ++i)
      if (const double between = all[i] - all[i - 1]; between > 0 && (gap == 0 || between < gap))
        gap = between;
    return gap == 0 ? 1 : gap;
  }

  std::string axes() const {
    std::string out;
    const auto ticks_y =
        y_.log ? log_ticks(y_.low, y_.high, kTicksY) : linear_ticks(y_.low, y_.high, kTicksY);
    for (const double tick : ticks_y) {
      const double y = y_.at(tick);
      out += "<path class=\"grid\" d=\"M" + px(kLeft) + " " + px(y) + "H" + px(kRight) + "\"/>\n";
      out += text_at(kLeft - 8, y + 4, "end", tick_text(tick));
    }
    for (const double tick : linear_ticks(x_.low, x_.high, kTicksX)) {
      const double x = x_.at(tick);
      out += "<path class=\"axis\" d=\"M" + px(x) + " " + px(kBottom) + "v5\"/>\n";
      out += text_at(x, kBottom + 19, "middle", tick_text(tick));
    }
    out += "<path class=\"axis\" d=\"M" + px(kLeft) + " " + px(kTop) + "V" + px(kBottom) + "H" +
           px(kRight) + "\"/>\n";
    out += text_at((kLeft + kRight) / 2, kHeight - 14, "middle", plot_.x_label);
    const double middle = (kTop + kBottom) / 2;
    out += text_at(16, middle, "middle", plot_.y_label,
                   " transform=\"rotate(-90 16 " + px(middle) + ")\"");
    return out;
  }

  std::string colour(size_t series) const { return kColours[series % std::size(kColours)]; }

  std::string line(size_t series) const {
    std::string path, dots;
    bool drawing = false;
    const std::vector<Point>& points = points_[series];
    for (size_t i = 0; i < points.size(); ++i) {
      if (!points[i].shown) {
        drawing = false;
        continue;
      }
      const std::string x = px(x_.at(points[i].x)), y = px(y_.at(points[i].y));
      const bool goes_on = i + 1 < points.size() && points[i + 1].shown;
      if (drawing || goes_on)
        path += (drawing ? "L" : "M") + x + " " + y;
      else
        dots +=
            "<circle cx=\"" + x + "\" cy=\"" + y + "\" r=\"3\" fill=\"" + colour(series) + "\"/>\n";
      drawing = true;
    }
    if (!path.empty())
      path = "<path d=\"" + path + "\" fill=\"none\" stroke-width=\"1.5\" stroke=\"" +
             colour(series) + "\"/>\n";
    return path + dots;
  }

  std::string bars(size_t series) const {
    const double room = 0.9 * gap_;  // of all bars at one x
    const double width = room / static_cast<double>(points_.size());
    const double floor = y_.log ? y_.low : 0;
    std::string out;
    for (const Point& point : points_[series]) {
      if (!point.shown || point.y == floor) continue;
      const double left = x_.at(point.x - room / 2 + width * static_cast<double>(series));
      const double right = x_.at(point.x - room / 2 + width * static_cast<double>(series + 1));
      const double top = y_.at(std::max(point.y, floor)), bottom = y_.at(std::min(point.y, floor));
      out += "<rect x=\"" + px(left) + "\" y=\"" + px(top) + "\" width=\"" + px(right - left) +
             "\" height=\"" + px(bottom - top) + "\" fill=\"" + colour(series) + "\"/>\n";
    }
    return out;
  }

  std::string legend() const {
    std::string out;
    for (size_t i = 0; i < points_.size(); ++i) {
      const double y = kTop + 12 + kLegendRow * static_cast<double>(i);
      out += text_at(kRight - 20, y, "end", plot_.series[i].name);
      out += "<rect x=\"" + px(kRight - 14) + "\" y=\"" + px(y - 9) +
             "\" width=\"10\" height=\"10\" fill=\"" + colour(i) + "\"/>\n";
    }
    return out;
  }

  const Plot& plot_;
  std::vector<std::vector<Point>> points_;
  bool any_ = false;
  double gap_ = 1;
  Axis x_, y_;
};

}  // namespace

std::string emit_svg(const Plot& plot) {
  return opening(plot.title, kHeight) + Picture(plot).text() + "</svg>\n";
}

std::string emit_svg_column(const std::string& title, const std::vector<Plot>& plots) {
  std::string out = opening(title, kHeight * static_cast<double>(plots.size()));
  for (size_t i = 0; i < plots.size(); ++i)
    out += "<g transform=\"translate(0 " + px(kHeight * static_cast<double>(i)) + ")\">\n" +
           Picture(plots[i]).text() + "</g>\n";
  return out + "</svg>\n";
}

}  // namespace facet
