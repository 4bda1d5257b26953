// Pictures of the pairs: latents as points, and boxes of path lengths by depth.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "bins.h"
#include "facet/plot.h"
#include "samples.h"

/// A point for each latent: mean LCA depth and mean length of its pairs in one scope.
facet::Plot scatter_plot(const Sample& means, size_t scope, Form form);

/// Boxes of length by depth: the latents' beside each baseline's.
facet::Plot boxes_plot(const std::vector<std::pair<std::string, std::vector<DepthBin>>>& bins,
                       size_t scope, Form form);
