// Lengths of paths by the depth of the lowest common ancestor: the latents' against random ones.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "facet/stats.h"
#include "facet/table.h"
#include "samples.h"

/// LCA depths from `from` to below `from` + 1.
struct DepthBin {
  int64_t from = 0;
  Sample real, random;
  facet::WelchTest test;
  double q = 1;  ///< corrected p; not-a-number where there is no p
};

/// Bins in which at least one of the two has a value, ascending.
///
/// form  rep_saes: q is p, since the scripts correct each p by itself; corrected: Benjamini and
///       Hochberg 1995 over the bins that have a p.
std::vector<DepthBin> depth_bins(const Sample& real, const Sample& random, Form form);

/// "***" for q <= 0.0001, "**" for <= 0.001, "*" for <= 0.05, else nothing.
std::string stars_of(double q);

/// Rows of one scope; `bins` by the name of the baseline.
facet::Table bins_table(const std::vector<std::pair<std::string, std::vector<DepthBin>>>& bins,
                        Form form);
