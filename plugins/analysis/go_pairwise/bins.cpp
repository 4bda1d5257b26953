// Bodies of the bins and their tests.
#include "bins.h"

#include <facet/torch.h>

#include <algorithm>
#include <cmath>
#include <map>

using namespace facet;

namespace {

void correct(std::vector<DepthBin>& bins) {
  std::map<double, int64_t> times;
  for (const DepthBin& bin : bins)
    if (!std::isnan(bin.test.p)) ++times[bin.test.p];
  PValues tests;
  for (const auto& [p, count] : times) {
    tests.p.push_back(p);
    tests.times.push_back(count);
  }
  const std::vector<double> q = corrected("fdr_bh", tests, 0.05);
  for (DepthBin& bin : bins) {
    if (std::isnan(bin.test.p)) continue;
    const auto at = std::lower_bound(tests.p.begin(), tests.p.end(), bin.test.p);
    bin.q = q[static_cast<size_t>(at - tests.p.begin())];
  }
}

}  // namespace

std::vector<DepthBin> depth_bins(const Sample& real, const Sample& random, Form form) {
  std::map<int64_t, DepthBin> by_depth;
  const auto sort_in = [&](const Sample& sample, Sample DepthBin::*side) {
    for (size_t i = 0; i < sample.depth.size(); ++i) {
      const auto from = static_cast<int64_t>(std::floor(sample.depth[i]));
      DepthBin& bin = by_depth[from];
      bin.from = from;
      (bin.*side).add(sample.depth[i], sample.length[i]);
    }
  };
  sort_in(real, &DepthBin::real);
  sort_in(random, &DepthBin::random);
  std::vector<DepthBin> out;
  for (auto& [from, bin] : by_depth) {
    bin.test = welch_test(bin.real.length, bin.random.length);
    bin.q = bin.test.p;
    out.push_back(std::move(bin));
  }
  if (form == Form::corrected) correct(out);
  return out;
}

std::string stars_of(double q) {
  return q <= 0.0001 ? "***" : q <= 0.001 ? "**" : q <= 0.05 ? "*" : "";
}

Table bins_table(const std::vector<std::pair<std::string, std::vector<DepthBin>>>& bins,
                 Form form) {
  const bool seed = form == Form::rep_saes;
  const std::string length = seed ? "Shortest Path Length" : "Shortest Path Edges";
  Table table(
      {{"Baseline", "constrained: random terms that are in use; entire: of all terms"},
       {"LCA Depth", "bin of depths: its first belongs to it, its second does not"},
       {"n", seed ? "means of latents in the bin" : "pairs of the latents in the bin"},
       {"mean", "mean of their " + length},
       {"n random", "pairs of the baseline in the bin"},
       {"mean random", "mean of their " + length},
       {"t", "Welch's t of the two; below 0: the latents' paths are shorter"},
       {"degrees", "degrees of freedom (Welch and Satterthwaite)"},
       {"p",
        "two-sided; takes the pairs of a latent for independent of one another, as its samples"},
       {"q", seed ? "p: the scripts correct each p by itself, which changes nothing"
                  : "p after Benjamini and Hochberg over the bins of this baseline"},
       {"stars", "* q <= 0.05, ** <= 0.001, *** <= 0.0001"}});
  for (const auto& [name, of] : bins)
    for (const DepthBin& bin : of) {
      const std::string range =
          "[" + std::to_string(bin.from) + ", " + std::to_string(bin.from + 1) + ")";
      table.add({name, range, static_cast<int64_t>(bin.real.length.size()), bin.real.mean_length(),
                 static_cast<int64_t>(bin.random.length.size()), bin.random.mean_length(),
                 bin.test.t, bin.test.degrees, bin.test.p, bin.q, stars_of(bin.q)});
    }
  return table;
}
