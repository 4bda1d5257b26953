// Draws what bench/curves wrote: losses with both kernels, and how far they are apart.
#include <facet/plot.h>

#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <string>

#include "plot/svg.h"

using namespace facet;

/// draw_curves A1.csv A3.csv ...: lines "step,plain,sparse,nudged" after one of headings. Prints an
/// SVG.
int main(int count, char** given) {
  if (count < 2) {
    std::cerr << "draw_curves A1.csv A3.csv ...\n";
    return 2;
  }
  std::vector<Plot> plots;
  for (int i = 1; i < count; ++i) {
    const std::string name = std::filesystem::path(given[i]).stem();
    Plot losses{.name = name, .title = name + ": loss", .x_label = "step", .y_label = "loss"};
    Plot apart{.name = name,
               .title = name + ": how far apart",
               .x_label = "step",
               .y_label = "relative difference",
               .log_y = true};
    losses.series = {{"plain", {}, {}}, {"sparse", {}, {}}};
    apart.series = {{"starts one rounding apart", {}, {}}, {"sparse beside plain", {}, {}}};
    const auto add = [](Plot::Series& series, double x, double y) {
      series.x.push_back(x);
      series.y.push_back(y);
    };
    std::ifstream file(given[i]);
    std::string line;
    std::getline(file, line);
    while (std::getline(file, line)) {
      double step = 0, plain = 0, sparse = 0, nudged = 0;
      if (std::sscanf(line.c_str(), "%lf,%lf,%lf,%lf", &step, &plain, &sparse, &nudged) != 4) {
        std::cerr << given[i] << ": is \"" << line << "\", should be step,plain,sparse,nudged\n";
        return 1;
      }
      add(losses.series[0], step, plain);
      add(losses.series[1], step, sparse);
      add(apart.series[0], step, std::abs(nudged / sparse - 1));
      add(apart.series[1], step, std::abs(sparse / plain - 1));
    }
    plots.push_back(losses);
    plots.push_back(apart);
  }
  std::cout << emit_svg_column("train.kernels: sparse beside plain", plots);
}
