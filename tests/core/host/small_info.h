// The points of a host with some blocks, for tests that need no host.
#pragma once

#include <string>

#include "facet/host.h"

inline facet::HostInfo small_info(int blocks = 4) {
  facet::HostInfo info;
  info.type = "small";
  info.layers = blocks;
  info.points.push_back({"embeddings", "layers.0", 8, -1});
  for (int i = 0; i < blocks; ++i) {
    const std::string block = "blocks." + std::to_string(i);
    info.points.push_back({block + ".in", "", 8, i});
    info.points.push_back({block + ".mlp.out", "", 8, i});
    info.points.push_back(
        {block + ".out", i + 1 < blocks ? "layers." + std::to_string(i + 1) : "", 8, i});
  }
  info.points.push_back({"final_norm.out", "layers." + std::to_string(blocks), 8, -1});
  return info;
}
