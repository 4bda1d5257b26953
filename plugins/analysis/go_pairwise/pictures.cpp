// Bodies of the pictures.
#include "pictures.h"

#include <facet/torch.h>

using namespace facet;

namespace {

std::string scope_text(size_t scope) {
  return scope == kAll ? "all namespaces" : full_name(kAspects[scope]);
}

std::string length_label(Form form) {
  return std::string("shortest path (") + (form == Form::rep_saes ? "terms)" : "edges)");
}

void add_boxes(Plot::Series& series, const DepthBin& bin, const Sample& sample) {
  series.x.insert(series.x.end(), sample.length.size(), static_cast<double>(bin.from));
  series.y.insert(series.y.end(), sample.length.begin(), sample.length.end());
}

}  // namespace

Plot scatter_plot(const Sample& means, size_t scope, Form form) {
  Plot plot;
  plot.name = std::string("pairwise_scatter_") + kScopeNames[scope];
  plot.title = "Terms of a latent, " + scope_text(scope) +
               ": a point is a latent, its means over the pairs of its terms "
               "(table: pairwise_means.tsv).";
  plot.x_label = "mean depth of the lowest common ancestor";
  plot.y_label = "mean " + length_label(form);
  plot.mark = Mark::points;
  plot.margins = true;
  plot.series = {{"latents", means.depth, means.length}};
  return plot;
}

Plot boxes_plot(const std::vector<std::pair<std::string, std::vector<DepthBin>>>& bins,
                size_t scope, Form form) {
  Plot plot;
  plot.name = std::string("pairwise_boxes_") + kScopeNames[scope];
  const std::string what =
      form == Form::rep_saes ? "means of latents" : "pairs of a latent's terms";
  plot.title = "Paths between terms by the depth of their lowest common ancestor, " +
               scope_text(scope) + ": " + what + " beside random pairs (table: pairwise_bins_" +
               kScopeNames[scope] + ".tsv).";
  plot.x_label = "depth of the lowest common ancestor, in bins [i, i + 1)";
  plot.y_label = length_label(form);
  plot.mark = Mark::boxes;
  plot.series.push_back({"latents", {}, {}});
  for (const DepthBin& bin : bins.front().second) add_boxes(plot.series[0], bin, bin.real);
  for (const auto& [name, of] : bins) {
    plot.series.push_back({"random, " + name, {}, {}});
    for (const DepthBin& bin : of) add_boxes(plot.series.back(), bin, bin.random);
  }
  return plot;
}
