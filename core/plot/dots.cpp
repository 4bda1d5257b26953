// Bodies of the dots and the histograms beside them.
#include "plot/dots.h"

#include <algorithm>
#include <cmath>
#include <unordered_set>

namespace facet {
namespace {

constexpr size_t kMarginBins = 32;
// Widths in pixels, the fewer the dots the larger.
constexpr size_t kFewDots = 500, kManyDots = 5000;

std::string dot_width(size_t dots) {
  return dots <= kFewDots ? "5" : dots <= kManyDots ? "3.5" : "2";
}

// "100 20.5" of each place that has another text than those before it.
std::vector<std::string> distinct_places(const std::vector<Place>& places) {
  std::vector<std::string> out;
  std::unordered_set<std::string> seen;
  for (const Place& place : places)
    if (const auto [text, is_new] = seen.insert(px(place.x) + " " + px(place.y)); is_new)
      out.push_back(*text);
  return out;
}

std::vector<double> shares_in_bins(const std::vector<double>& at, const Axis& axis) {
  std::vector<double> out(kMarginBins, 0.0);
  for (const double pixel : at) {
    const double share = (pixel - axis.from) / (axis.to - axis.from);
    const double bin = std::floor(share * static_cast<double>(kMarginBins));
    out[static_cast<size_t>(std::clamp(bin, 0.0, static_cast<double>(kMarginBins - 1)))] +=
        1.0 / static_cast<double>(at.size());
  }
  return out;
}

}  // namespace

std::string dots_text(const std::vector<Place>& places, const std::string& colour, size_t most) {
  const std::vector<std::string> distinct = distinct_places(places);
  if (distinct.empty()) return "";
  const size_t every = (distinct.size() + most - 1) / most;
  std::string path;
  for (size_t i = 0; i < distinct.size(); i += every) path += "M" + distinct[i] + "h0";
  return "<path d=\"" + path + "\" fill=\"none\" stroke=\"" + colour + "\" stroke-width=\"" +
         dot_width(distinct.size() / every) +
         "\" stroke-linecap=\"round\" stroke-opacity=\"0.7\"/>\n";
}

std::string margin_text(const std::vector<std::vector<double>>& at, const Axis& axis, Side side,
                        double base, double length) {
  std::vector<std::vector<double>> shares;
  double most = 0;
  for (const auto& series : at) {
    shares.push_back(shares_in_bins(series, axis));
    for (const double share : shares.back()) most = std::max(most, share);
  }
  const double step = (axis.to - axis.from) / static_cast<double>(kMarginBins);
  std::string out;
  for (size_t series = 0; series < shares.size(); ++series)
    for (size_t bin = 0; bin < kMarginBins; ++bin) {
      if (shares[series][bin] == 0) continue;
      const double high = shares[series][bin] / most * length;
      const double one = axis.from + step * static_cast<double>(bin), other = one + step;
      const double begin = std::min(one, other), end = std::max(one, other);
      const std::string look = " fill=\"" + colour_of(series) + "\" fill-opacity=\"0.5\"";
      out += side == Side::above ? rect_between(begin, base - high, end, base, look)
                                 : rect_between(base, begin, base + high, end, look);
    }
  return out;
}

}  // namespace facet
