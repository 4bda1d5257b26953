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
  at::Tensor bias;  // [m], what is added to products before they are held against a bar

  // Latents of all candidates, those of row i from start[i] up to start[i + 1].
  struct Listed {
    std::vector<int64_t> start = {0};
    std::vector<int32_t> latent;
  };
  Listed listed() const {
    Listed out;
    for (const Candidates& one : candidates) {
      out.latent.insert(out.latent.end(), one.latents().begin(), one.latents().end());
      out.start.push_back(static_cast<int64_t>(out.latent.size()));
    }
    return out;
  }

  int64_t size() const { return x.exact.size(0); }
  const float* row(int64_t i) const {
    return x.exact.const_data_ptr<float>() + i * x.exact.size(1);
  }
};

}  // namespace facet
