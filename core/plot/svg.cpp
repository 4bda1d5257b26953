// Body of the SVG: a frame of axes, then the series.
#include "plot/svg.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "plot/boxes.h"
#include "plot/dots.h"
#include "plot/svg_text.h"
#include "plot/ticks.h"

namespace facet {
namespace {

// Pixels.
constexpr double kWidth = 640, kHeight = 360;
constexpr double kLegendRow = 18, kTitleRow = 14;
constexpr double kMargin = 52, kMarginGap = 4;  // of the histograms at the margins
constexpr double kRim = 0.02;                   // of the x axis, on each side of points
constexpr int kTicksX = 8, kTicksY = 5;
constexpr size_t kTitleLetters = 92;  // in one line
// Dots of all series: the text of a picture stays below 1 MB.
constexpr size_t kMostDots = 30000;

// Where the axes stand.
struct Frame {
  double left = 72, right = 616, top = 44, bottom = 304;

  double middle_x() const { return (left + right) / 2; }
  double middle_y() const { return (top + bottom) / 2; }
};

Frame frame_of(const Plot& plot) {
  Frame frame;
  if (plot.mark != Mark::points || !plot.margins) return frame;
  frame.right -= kMargin + kMarginGap;
  frame.top += kMargin + kMarginGap;
  return frame;
}

// Lines of a title, broken between words.
std::vector<std::string> title_lines(const std::string& title) {
  std::vector<std::string> lines;
  std::string rest = title;
  while (rest.size() > kTitleLetters) {
    const size_t space = rest.rfind(' ', kTitleLetters);
    if (space == std::string::npos || space == 0) break;
    lines.push_back(rest.substr(0, space));
    rest.erase(0, space + 1);
  }
  lines.push_back(rest);
  return lines;
}

struct Point {
  double x, y;
  bool shown;
};

// Of boxes, the ends of the whiskers: what the axes must reach.
std::vector<Point> points_of(const Plot::Series& series, const Plot& plot) {
  std::vector<Point> out;
  if (plot.mark == Mark::boxes) {
    for (const Box& box : boxes_of(series, plot.log_y)) {
      out.push_back({box.x, box.low, true});
      out.push_back({box.x, box.high, true});
    }
    return out;
  }
  for (size_t i = 0; i < std::min(series.x.size(), series.y.size()); ++i) {
    const double x = series.x[i], y = series.y[i];
    out.push_back({x, y, std::isfinite(x) && std::isfinite(y) && (!plot.log_y || y > 0)});
  }
  return out;
}

class Picture {
 public:
  explicit Picture(const Plot& plot) : plot_(plot), frame_(frame_of(plot)) {
    for (const Plot::Series& series : plot.series) points_.push_back(points_of(series, plot));
    fit_axes();
  }

  std::string text() const {
    std::string out = title() + axes();
    if (!any_) out += text_at(frame_.middle_x(), frame_.middle_y(), "middle", "no data");
    for (size_t i = 0; i < points_.size(); ++i) out += series_text(i);
    if (any_ && plot_.mark == Mark::points && plot_.margins) out += margins();
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
    x_ = {0, 1, frame_.left, frame_.right, false};
    y_ = {plot_.log_y ? 0.1 : 0.0, 1, frame_.bottom, frame_.top, plot_.log_y};
    if (!any_) return;
    const bool bars = plot_.mark == Mark::bars;
    gap_ = smallest_gap();
    const bool wide = bars || plot_.mark == Mark::boxes;  // marks reach beyond their x
    const double rim = plot_.mark == Mark::points ? kRim * (high_x - low_x) : 0;
    widen(low_x, high_x, wide ? gap_ / 2 : rim);
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

  std::string title() const {
    const std::vector<std::string> lines = title_lines(plot_.title);
    const double middle = static_cast<double>(lines.size() - 1) / 2;
    std::string out;
    for (size_t i = 0; i < lines.size(); ++i)
      out += text_at(frame_.middle_x(), 24 + kTitleRow * (static_cast<double>(i) - middle),
                     "middle", lines[i]);
    return out;
  }

  std::string axes() const {
    std::string out;
    const auto ticks_y =
        y_.log ? log_ticks(y_.low, y_.high, kTicksY) : linear_ticks(y_.low, y_.high, kTicksY);
    for (const double tick : ticks_y) {
      const double y = y_.at(tick);
      out += "<path class=\"grid\" d=\"M" + px(frame_.left) + " " + px(y) + "H" + px(frame_.right) +
             "\"/>\n";
      out += text_at(frame_.left - 8, y + 4, "end", tick_text(tick));
    }
    for (const double tick : linear_ticks(x_.low, x_.high, kTicksX)) {
      const double x = x_.at(tick);
      out += "<path class=\"axis\" d=\"M" + px(x) + " " + px(frame_.bottom) + "v5\"/>\n";
      out += text_at(x, frame_.bottom + 19, "middle", tick_text(tick));
    }
    out += "<path class=\"axis\" d=\"M" + px(frame_.left) + " " + px(frame_.top) + "V" +
           px(frame_.bottom) + "H" + px(frame_.right) + "\"/>\n";
    out += text_at(frame_.middle_x(), kHeight - 14, "middle", plot_.x_label);
    out += text_at(16, frame_.middle_y(), "middle", plot_.y_label,
                   " transform=\"rotate(-90 16 " + px(frame_.middle_y()) + ")\"");
    return out;
  }

  std::string series_text(size_t series) const {
    switch (plot_.mark) {
      case Mark::bars:
        return bars(series);
      case Mark::points:
        return dots_text(places(series), colour_of(series), kMostDots / points_.size());
      case Mark::boxes:
        return boxes(series);
      case Mark::line:
        break;
    }
    return line(series);
  }

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
        dots += "<circle cx=\"" + x + "\" cy=\"" + y + "\" r=\"3\" fill=\"" + colour_of(series) +
                "\"/>\n";
      drawing = true;
    }
    if (!path.empty())
      path = "<path d=\"" + path + "\" fill=\"none\" stroke-width=\"1.5\" stroke=\"" +
             colour_of(series) + "\"/>\n";
    return path + dots;
  }

  // Left and right of what stands at x, side by side with the other series.
  std::pair<double, double> sides(double x, size_t series) const {
    const double room = 0.9 * gap_;  // of all series at one x
    const double width = room / static_cast<double>(points_.size());
    const double left = x - room / 2 + width * static_cast<double>(series);
    return {x_.at(left), x_.at(left + width)};
  }

  std::string bars(size_t series) const {
    const double floor = y_.log ? y_.low : 0;
    std::string out;
    for (const Point& point : points_[series]) {
      if (!point.shown || point.y == floor) continue;
      const auto [left, right] = sides(point.x, series);
      const double top = y_.at(std::max(point.y, floor)), bottom = y_.at(std::min(point.y, floor));
      out += rect_between(left, top, right, bottom, " fill=\"" + colour_of(series) + "\"");
    }
    return out;
  }

  std::string boxes(size_t series) const {
    const std::string stroke = " stroke=\"" + colour_of(series) + "\"";
    std::string out;
    for (const Box& box : boxes_of(plot_.series[series], plot_.log_y)) {
      const auto [from, to] = sides(box.x, series);
      const double rim = 0.1 * (to - from), left = from + rim, right = to - rim;
      const double middle = (left + right) / 2, cap = (right - left) / 4;
      const auto whisker = [&](double end, double begin) {
        return "M" + px(middle - cap) + " " + px(y_.at(end)) + "H" + px(middle + cap) + "M" +
               px(middle) + " " + px(y_.at(end)) + "V" + px(y_.at(begin));
      };
      out += "<path d=\"" + whisker(box.low, box.lower) + whisker(box.high, box.upper) +
             "\" fill=\"none\"" + stroke + "/>\n";
      out += rect_between(left, y_.at(box.upper), right, y_.at(box.lower),
                          " fill=\"" + colour_of(series) + "\" fill-opacity=\"0.3\"" + stroke);
      out += "<path d=\"M" + px(left) + " " + px(y_.at(box.median)) + "H" + px(right) +
             "\" stroke-width=\"2.5\"" + stroke + "/>\n";
    }
    return out;
  }

  std::vector<Place> places(size_t series) const {
    std::vector<Place> out;
    for (const Point& point : points_[series])
      if (point.shown) out.push_back({x_.at(point.x), y_.at(point.y)});
    return out;
  }

  std::string margins() const {
    std::vector<std::vector<double>> x, y;
    for (size_t i = 0; i < points_.size(); ++i) {
      x.emplace_back();
      y.emplace_back();
      for (const Place& place : places(i)) {
        x.back().push_back(place.x);
        y.back().push_back(place.y);
      }
    }
    return margin_text(x, x_, Side::above, frame_.top - kMarginGap, kMargin) +
           margin_text(y, y_, Side::right, frame_.right + kMarginGap, kMargin);
  }

  std::string legend() const {
    std::string out;
    for (size_t i = 0; i < points_.size(); ++i) {
      const double y = frame_.top + 12 + kLegendRow * static_cast<double>(i);
      out += text_at(frame_.right - 20, y, "end", plot_.series[i].name);
      const double left = frame_.right - 14;
      out += rect_between(left, y - 9, left + 10, y + 1, " fill=\"" + colour_of(i) + "\"");
    }
    return out;
  }

  const Plot& plot_;
  Frame frame_;
  std::vector<std::vector<Point>> points_;
  bool any_ = false;
  double gap_ = 1;
  Axis x_, y_;
};

}  // namespace

std::string emit_svg(const Plot& plot) {
  return svg_opening(plot.title, kWidth, kHeight) + Picture(plot).text() + "</svg>\n";
}

std::string emit_svg_column(const std::string& title, const std::vector<Plot>& plots) {
  std::string out = svg_opening(title, kWidth, kHeight * static_cast<double>(plots.size()));
  for (size_t i = 0; i < plots.size(); ++i)
    out += "<g transform=\"translate(0 " + px(kHeight * static_cast<double>(i)) + ")\">\n" +
           Picture(plots[i]).text() + "</g>\n";
  return out + "</svg>\n";
}

}  // namespace facet
