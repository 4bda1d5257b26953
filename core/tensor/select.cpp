// Picks the k largest of a row in one scan: candidates gather in a buffer, and each time it is full
// the k best stay and the least of them becomes the bar that later entries must pass.
#include "tensor/select.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "tensor/vectors.h"

namespace facet {
namespace {

constexpr int64_t kBlock = 64;  // floats that one vectorised comparison dismisses together
constexpr int32_t kNaNKey = std::numeric_limits<int32_t>::max();

}  // namespace

int32_t selection_key(float x) {
  if (std::isnan(x)) return kNaNKey;
  const int32_t bits = std::bit_cast<int32_t>(x + 0.0f);
  return bits ^ ((bits >> 31) & 0x7fffffff);
}

float selected_value(int32_t key) { return std::bit_cast<float>(key ^ ((key >> 31) & 0x7fffffff)); }

RowSelection::RowSelection(int64_t k) : k_(static_cast<size_t>(k)), room_(2 * k_ + kBlock) {
  candidates_.reserve(room_);
}

void RowSelection::keep_best() {
  if (candidates_.size() <= k_) return;
  const auto better = [](const Candidate& a, const Candidate& b) {
    return a.key != b.key ? a.key > b.key : a.index < b.index;
  };
  const auto kth = candidates_.begin() + static_cast<int64_t>(k_) - 1;
  std::nth_element(candidates_.begin(), kth, candidates_.end(), better);
  candidates_.resize(k_);
}

void RowSelection::choose(const float* row, int64_t m, int32_t* indices) {
  candidates_.clear();
  bool barred = false;
  float bar = 0;  // later entries must exceed it: an equal one has a higher index and loses the tie
  int32_t bar_key = 0;
  for (int64_t begin = 0; begin < m; begin += kBlock) {
    const int64_t end = std::min(begin + kBlock, m);
    if (barred && !vectors::any_above(row + begin, bar, end - begin)) continue;
    for (int64_t j = begin; j < end; ++j) {
      if (barred && row[j] <= bar) continue;
      const int32_t key = selection_key(row[j]);
      if (!barred || key > bar_key) candidates_.push_back({key, static_cast<int32_t>(j)});
    }
    if (candidates_.size() + kBlock <= room_) continue;
    keep_best();
    bar_key = candidates_[k_ - 1].key;
    if (bar_key == kNaNKey) break;
    bar = row[candidates_[k_ - 1].index];
    barred = true;
  }
  keep_best();
  for (size_t j = 0; j < k_; ++j) indices[j] = candidates_[j].index;
  std::sort(indices, indices + k_);
}

}  // namespace facet
