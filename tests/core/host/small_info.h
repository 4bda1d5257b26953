// The points of a host with four blocks, for tests that need no host.
#pragma once

#include <string>

#include "facet/host.h"

inline facet::HostInfo small_info() {
  facet::HostInfo info;
  info.type = "small";
  info.layers = 4;
  info.points.push_back({"embeddings", "layers.0", 8, -1});
  for (int i = 0; i < 4; ++i) {
    const std::string block = "blocks." + std::to_string(i);
    info.points.push_back({block + ".in", "", 8, i});
    info.points.push_back({block + ".mlp.out", "", 8, i});
    info.points.push_back({block + ".out", i < 3 ? "layers." + std::to_string(i + 1) : "", 8, i});
  }
  info.points.push_back({"final_norm.out", "layers.4", 8, -1});
  return info;
}
