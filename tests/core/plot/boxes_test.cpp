// Boxes: their five numbers, and how they are drawn.
#include "plot/boxes.h"

#include <gtest/gtest.h>

#include <cmath>

#include "plot/svg.h"
#include "plot/thin.h"

using namespace facet;

namespace {

Plot::Series at_zero(std::vector<double> y) {
  return {"", std::vector<double>(y.size(), 0.0), std::move(y)};
}

std::vector<double> five(const Box& box) {
  return {box.low, box.lower, box.median, box.upper, box.high};
}

// Two series side by side at x = 0 and x = 1.
Plot two_series() {
  Plot plot;
  plot.mark = Mark::boxes;
  plot.series = {{"real", {0, 0, 0, 0, 0, 1}, {1, 2, 3, 4, 5, 3}},
                 {"random", {0, 0, 1, 1}, {2, 4, 6, 8}}};
  return plot;
}

size_t times_in(const std::string& text, const std::string& what) {
  size_t n = 0;
  for (size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += what.size()) ++n;
  return n;
}

}  // namespace

// Quartiles as numpy.percentile(y, [25, 50, 75]) of NumPy 2.4 gives them.
TEST(Boxes, have_quartiles_by_linear_interpolation_and_whiskers_within_1_5_heights) {
  struct Case {
    std::vector<double> y, five;
  };
  for (const Case& c :
       {Case{{7}, {7, 7, 7, 7, 7}}, Case{{4, 1, 3, 2}, {1, 1.75, 2.5, 3.25, 4}},
        Case{{6, 47, 49, 15, 42, 41, 7, 39, 43, 40, 36}, {6, 25.5, 40, 42.5, 49}},
        Case{{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 100}, {1, 3.5, 6, 8.5, 10}},
        // No value lies between the fence and the quartile: the whisker has no length.
        Case{{0, 10, 10, 10, 11}, {10, 10, 10, 10, 10}},
        Case{{0, 1, 1, 1, 100, 101, 101, 101}, {0, 1, 50.5, 101, 101}}})
    EXPECT_EQ(five(boxes_of(at_zero(c.y), false).at(0)), c.five);
}

TEST(Boxes, stand_at_each_x_without_what_cannot_be_shown) {
  const Plot::Series series{"", {2, 1, 2, NAN, 1, 3}, {5, 1, 7, 9, INFINITY, 0}};
  const std::vector<Box> boxes = boxes_of(series, true);
  ASSERT_EQ(boxes.size(), 2u);  // 0 has no logarithm
  EXPECT_EQ(boxes[0].x, 1);
  EXPECT_EQ(boxes[1].median, 6);
  EXPECT_EQ(boxes_of(series, false).size(), 3u);
}

TEST(Boxes, keep_their_shape_when_thinned_to_five_numbers) {
  Plot plot;
  plot.mark = Mark::boxes;
  Plot::Series many{"many", {}, {}};
  for (int i = 0; i < 5000; ++i) {
    many.x.push_back(i % 3);
    many.y.push_back(std::fmod(i * 0.618, 1.0) + (i % 100 == 0 ? 10 : 0));
  }
  plot.series = {many};
  const std::string before = emit_svg(plot);
  thin(plot);
  EXPECT_EQ(plot.series[0].x.size(), 15u);
  EXPECT_EQ(emit_svg(plot), before);
}

TEST(Boxes, are_drawn_side_by_side_with_median_and_whiskers) {
  const std::string svg = emit_svg(two_series());
  EXPECT_EQ(times_in(svg, "fill-opacity=\"0.3\""), 4u);
  EXPECT_EQ(times_in(svg, "stroke-width=\"2.5\""), 4u);
  // 272 pixels an x: 0.9 of them for two boxes, of each 0.8; 32.5 pixels for each 1 of y.
  EXPECT_NE(svg.find("<rect x=\"97.8\" y=\"174\" width=\"97.9\" height=\"65\" fill=\"#0072b2\""),
            std::string::npos)
      << svg;
  EXPECT_NE(svg.find("<rect x=\"220.2\" y=\"190.2\" width=\"97.9\" height=\"32.5\" "
                     "fill=\"#d55e00\""),
            std::string::npos)
      << svg;
}
