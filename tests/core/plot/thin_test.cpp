// Plots are drawn with about a thousand points.
#include "plot/thin.h"

#include <gtest/gtest.h>

using namespace facet;

TEST(Thin, keeps_every_nth_point_and_the_last) {
  Plot plot;
  plot.series = {{"long", {}, {}}, {"short", {1, 2}, {3, 4}}};
  for (int i = 0; i < 2500; ++i) {
    plot.series[0].x.push_back(i);
    plot.series[0].y.push_back(2 * i);
  }
  thin(plot);
  EXPECT_EQ(plot.series[0].name, "long");
  EXPECT_EQ(plot.series[0].x.size(), 834u);  // 0, 3, ..., 2499
  EXPECT_EQ(plot.series[0].x[1], 3);
  EXPECT_EQ(plot.series[0].x.back(), 2499);
  EXPECT_EQ(plot.series[0].y.back(), 4998);
  EXPECT_EQ(plot.series[1].x, (std::vector<double>{1, 2}));
}

TEST(Thin, leaves_bars_as_they_are) {
  Plot plot;
  plot.mark = Mark::bars;
  plot.series = {{"", std::vector<double>(2500, 1.0), std::vector<double>(2500, 2.0)}};
  thin(plot);
  EXPECT_EQ(plot.series[0].x.size(), 2500u);
}
