// What a screen knows of some rows while the latents go by; for the bodies of Screen alone.
#pragma once

#include <vector>

#include "tensor/candidates.h"
#include "tensor/screen.h"

namespace facet {

constexpr int64_t kRowsTogether = 1024;
constexpr int64_t kStep = 256;  // latents after which the bar may rise

struct Screen::Rows {
  RoundedRows x;  // [n, d]
  std::vector<Slack> slack;
  std::vector<Candidates> candidates;

  int64_t size() const { return x.exact.size(0); }
  const float* row(int64_t i) const {
    return x.exact.const_data_ptr<float>() + i * x.exact.size(1);
  }
};

}  // namespace facet
