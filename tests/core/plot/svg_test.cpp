// A picture of a report: its whole text, and what cannot be drawn.
#include "plot/svg.h"

#include <gtest/gtest.h>

#include <cmath>

using namespace facet;

namespace {

Plot small_plot() {
  Plot plot;
  plot.name = "bars";
  plot.title = "Latents by \"frequency\" & <share>";
  plot.x_label = "share";
  plot.y_label = "latents";
  plot.mark = Mark::bars;
  plot.series = {{"trained", {0, 1}, {4, 0}}, {"untrained", {0, 1}, {1, 2}}};
  return plot;
}

Plot line(std::vector<double> y) {
  Plot plot;
  Plot::Series series;
  for (size_t i = 0; i < y.size(); ++i) series.x.push_back(static_cast<double>(i));
  series.y = std::move(y);
  plot.series = {series};
  return plot;
}

int count(const std::string& text, const std::string& what) {
  int n = 0;
  for (size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += what.size()) ++n;
  return n;
}

// How many strokes and dots the series of a plot of lines has.
std::pair<int, int> drawn(const Plot& plot) {
  const std::string svg = emit_svg(plot);
  EXPECT_EQ(svg.find("nan"), std::string::npos);
  EXPECT_EQ(svg.find("inf"), std::string::npos);
  const size_t path = svg.find("stroke-width=\"1.5\"");
  const size_t from = svg.rfind("d=\"", path);
  const int strokes = path == std::string::npos ? 0 : count(svg.substr(from, path - from), "M");
  return {strokes, count(svg, "<circle")};
}

constexpr const char* kSmall =
    R"svg(<svg xmlns="http://www.w3.org/2000/svg" width="640" height="360" viewBox="0 0 640 360" role="img">
<title>Latents by &quot;frequency&quot; &amp; &lt;share&gt;</title>
<style>svg{background:#fff;font:12px sans-serif}text{fill:#222}.axis{stroke:#222;fill:none}.grid{stroke:#ddd}@media(prefers-color-scheme:dark){svg{background:#161616}text{fill:#ddd}.axis{stroke:#ddd}.grid{stroke:#3a3a3a}}</style>
<text x="344" y="24" text-anchor="middle">Latents by &quot;frequency&quot; &amp; &lt;share&gt;</text>
<path class="grid" d="M72 304H616"/>
<text x="64" y="308" text-anchor="end">0</text>
<path class="grid" d="M72 239H616"/>
<text x="64" y="243" text-anchor="end">1</text>
<path class="grid" d="M72 174H616"/>
<text x="64" y="178" text-anchor="end">2</text>
<path class="grid" d="M72 109H616"/>
<text x="64" y="113" text-anchor="end">3</text>
<path class="grid" d="M72 44H616"/>
<text x="64" y="48" text-anchor="end">4</text>
<path class="axis" d="M72 304v5"/>
<text x="72" y="323" text-anchor="middle">-0.5</text>
<path class="axis" d="M208 304v5"/>
<text x="208" y="323" text-anchor="middle">0</text>
<path class="axis" d="M344 304v5"/>
<text x="344" y="323" text-anchor="middle">0.5</text>
<path class="axis" d="M480 304v5"/>
<text x="480" y="323" text-anchor="middle">1</text>
<path class="axis" d="M616 304v5"/>
<text x="616" y="323" text-anchor="middle">1.5</text>
<path class="axis" d="M72 44V304H616"/>
<text x="344" y="346" text-anchor="middle">share</text>
<text x="16" y="174" text-anchor="middle" transform="rotate(-90 16 174)">latents</text>
<rect x="85.6" y="44" width="122.4" height="260" fill="#0072b2"/>
<rect x="208" y="239" width="122.4" height="65" fill="#d55e00"/>
<rect x="480" y="174" width="122.4" height="130" fill="#d55e00"/>
<text x="596" y="56" text-anchor="end">trained</text>
<rect x="602" y="47" width="10" height="10" fill="#0072b2"/>
<text x="596" y="74" text-anchor="end">untrained</text>
<rect x="602" y="65" width="10" height="10" fill="#d55e00"/>
</svg>
)svg";

}  // namespace

TEST(Svg, of_a_small_picture_has_this_text) { EXPECT_EQ(emit_svg(small_plot()), kSmall); }

TEST(Svg, says_when_there_is_nothing_to_draw) {
  const Plot nothing, empty = line({}), lost = line({NAN, INFINITY});
  Plot below = line({0, -1});
  below.log_y = true;
  for (const Plot* plot : {&nothing, &empty, &lost, static_cast<const Plot*>(&below)}) {
    EXPECT_EQ(count(emit_svg(*plot), ">no data</text>"), 1);
    EXPECT_EQ(drawn(*plot), std::pair(0, 0));
  }
}

TEST(Svg, breaks_a_line_where_a_point_cannot_be_drawn) {
  EXPECT_EQ(drawn(line({1, 2, 3})), std::pair(1, 0));
  EXPECT_EQ(drawn(line({1, 2, NAN, 3, 4})), std::pair(2, 0));
  EXPECT_EQ(drawn(line({1, 2, NAN, 3})), std::pair(1, 1));
  EXPECT_EQ(drawn(line({7})), std::pair(0, 1));
  Plot log = line({1, 0, 10, 100});
  log.log_y = true;
  EXPECT_EQ(drawn(log), std::pair(1, 1));
}

TEST(Svg, has_a_legend_when_there_are_several_series) {
  Plot plot = line({1, 2});
  plot.series[0].name = "only";
  EXPECT_EQ(count(emit_svg(plot), ">only</text>"), 0);
  plot.series.push_back({"other", {0, 1}, {2, 1}});
  const std::string svg = emit_svg(plot);
  EXPECT_EQ(count(svg, ">only</text>"), 1);
  EXPECT_EQ(count(svg, ">other</text>"), 1);
}

TEST(Svg, draws_bars_of_a_log_axis_with_some_height_each) {
  Plot plot = small_plot();
  plot.log_y = true;
  const std::string svg = emit_svg(plot);
  EXPECT_EQ(count(svg, "<rect"), 3 + 2);  // and two of the legend; 0 has no logarithm
  EXPECT_EQ(count(svg, "height=\"0\""), 0);
}

TEST(Svg, stands_several_pictures_one_below_the_other) {
  Plot first = line({1, 2}), second = line({3, 4});
  first.title = "first";
  second.x_label = "step";
  const std::string svg = emit_svg_column("both & all", {first, second});
  EXPECT_EQ(svg.substr(0, svg.find("<style>")),
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"640\" height=\"720\" "
            "viewBox=\"0 0 640 720\" role=\"img\">\n<title>both &amp; all</title>\n");
  EXPECT_EQ(count(svg, "<svg"), 1);
  EXPECT_EQ(count(svg, "<g transform=\"translate(0 0)\">"), 1);
  EXPECT_EQ(count(svg, "<g transform=\"translate(0 360)\">"), 1);
  EXPECT_EQ(count(svg, "stroke-width=\"1.5\""), 2);
  EXPECT_EQ(count(svg, ">step</text>"), 1);
}
