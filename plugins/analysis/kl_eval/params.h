// What a user says of kl_eval.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace facet::kl_eval {

struct Params {
  std::vector<std::string> at;
  std::string splice_from = "auto";
  double scaled = 1;
  std::string replace = "content";
  bool error_term = true;
  bool zero = true;
  bool mean = true;
  double masked = 0.15;
  std::string masked_column;
  std::string figures = "main";
  int64_t max_tokens = 0;
  int64_t batch_tokens = 512;
  int64_t resamples = 1000;
};

}  // namespace facet::kl_eval
