// Parameters of intervene.
#pragma once

#include <facet/schema.h>

#include <cstdint>
#include <string>
#include <vector>

namespace intervene {

struct InterveneParams {
  std::vector<std::string> prompts;
  int64_t most_prompts = 100;
  std::vector<int64_t> latents;
  bool together = false;
  std::string edit;
  std::vector<double> amounts;
  bool only_active = false;
  facet::Value positions = "all";
  bool specials = false;
  bool error_term = true;
  std::string splice_from = "live";
  std::vector<std::string> at;
  std::vector<std::string> watch;
  int64_t controls = 20;
  int64_t generate = 0;
  double temperature = 0;
  double top_p = 1;
  std::vector<int64_t> infill;
};

facet::Schema<InterveneParams> intervene_schema();

}  // namespace intervene
