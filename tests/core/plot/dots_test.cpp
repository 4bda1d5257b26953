// Points: dots in the colours of their series, few enough for a page, and histograms beside them.
#include "plot/dots.h"

#include <gtest/gtest.h>

#include <cmath>

#include "plot/svg.h"

using namespace facet;

namespace {

Plot points_plot(bool margins) {
  Plot plot;
  plot.mark = Mark::points;
  plot.margins = margins;
  plot.series = {{"a", {0, 1, NAN, 1}, {0, 10, 1, 10}}, {"b", {0.5}, {5}}};
  return plot;
}

size_t times_said(const std::string& text, const std::string& what) {
  size_t n = 0;
  for (size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += what.size()) ++n;
  return n;
}

}  // namespace

TEST(Dots, are_one_path_a_series_with_each_place_once) {
  const std::string svg = emit_svg(points_plot(false));
  EXPECT_NE(svg.find("<path d=\"M82.5 304h0M605.5 44h0\" fill=\"none\" stroke=\"#0072b2\""),
            std::string::npos)
      << svg;
  EXPECT_NE(svg.find("<path d=\"M344 174h0\" fill=\"none\" stroke=\"#d55e00\""), std::string::npos);
  EXPECT_EQ(times_said(svg, "fill-opacity"), 0u);
  EXPECT_EQ(svg.find("nan"), std::string::npos);
}

TEST(Dots, of_a_hundred_thousand_points_fit_in_a_megabyte) {
  Plot plot = points_plot(true);
  for (Plot::Series& series : plot.series)
    for (int i = 0; i < 100000; ++i) {
      series.x.push_back(std::fmod(i * 0.6180339887, 1.0));
      series.y.push_back(10 * std::fmod(i * 0.7548776662, 1.0));
    }
  const std::string svg = emit_svg(plot);
  EXPECT_LT(svg.size(), 1000000u);
  EXPECT_GT(times_said(svg, "h0"), 10000u);
}

TEST(Dots, have_histograms_above_and_at_the_right_as_shares_of_their_series) {
  const std::string svg = emit_svg(points_plot(true));
  EXPECT_EQ(times_said(svg, "fill-opacity=\"0.5\""), 6u);  // two bars of a, one of b, twice
  // b stands in one bin, and so it is as high as the margin; a's larger bin has two thirds.
  EXPECT_EQ(times_said(svg, "height=\"52\" fill=\"#d55e00\""), 1u) << svg;
  EXPECT_EQ(times_said(svg, "height=\"34.7\" fill=\"#0072b2\""), 1u) << svg;
  EXPECT_EQ(times_said(svg, "width=\"34.7\""), 1u);
}

TEST(Dots, and_their_margins_say_when_there_is_nothing) {
  Plot plot = points_plot(true);
  for (Plot::Series& series : plot.series) series.y.assign(series.y.size(), NAN);
  const std::string svg = emit_svg(plot);
  EXPECT_EQ(times_said(svg, ">no data</text>"), 1u);
  EXPECT_EQ(times_said(svg, "fill-opacity"), 0u);
}

TEST(Dots, stand_at_most_so_many_times) {
  std::vector<Place> places;
  for (int i = 0; i < 100; ++i) places.push_back({static_cast<double>(i), 1});
  EXPECT_EQ(times_said(dots_text(places, "red", 30), "h0"), 25u);
  EXPECT_EQ(times_said(dots_text(places, "red", 100), "h0"), 100u);
  EXPECT_EQ(dots_text({}, "red", 10), "");
}

TEST(Dots, leave_room_for_a_title_of_several_lines) {
  Plot plot = points_plot(false);
  for (int i = 0; i < 30; ++i) plot.title += (i == 0 ? "" : " ") + std::string("letters");
  const std::string svg = emit_svg(plot);
  EXPECT_EQ(times_said(svg, ">letters letters"), 4u);  // the title for readers, and three lines
}
