// Candidates: of one row, the latents that may be among its k largest.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "tensor/reaching.h"

namespace facet {

/// Latents come by in ascending order with bounds of their values, and go when k others are surely
/// larger. When more than `most` stay, none is kept: the bounds tell too little.
class Candidates {
 public:
  /// Of a row.
  Candidates(int64_t k, int64_t most);

  /// At least k latents have values that are not below it; minus infinity at first.
  float bar() const { return bar_; }
  bool too_many() const { return too_many_; }
  /// Ascending.
  std::span<const int32_t> latents() const { return {latent_.data(), size_}; }
  /// The lower bound of each.
  std::span<const float> lower() const { return {lower_.data(), size_}; }

  /// The next latents, numbered from `first` on, with their products.
  template <class Number>
  void offer(const Number* product, const LatentRun& latents, const Slack& slack, int32_t first) {
    make_room(static_cast<size_t>(latents.count));
    const Found found{lower_.data() + size_, upper_.data() + size_, latent_.data() + size_};
    size_ += static_cast<size_t>(reaching(product, latents, slack, bar_, first, found));
    if (size_ >= full_) tighten();
  }
  /// Those that cannot reach the bar by now go.
  void tighten();
  /// Those below this bar go, too, and are not taken any more.
  void raise(float bar);

 private:
  void make_room(size_t count);
  float raised() const;
  void drop();

  size_t k_, most_;
  size_t full_;  // tightens when it holds so many
  size_t size_ = 0;
  std::vector<float> lower_, upper_;
  std::vector<int32_t> latent_;
  float bar_ = -std::numeric_limits<float>::infinity();
  bool too_many_ = false;
};

}  // namespace facet
