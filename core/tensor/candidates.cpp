// The bar rises whenever enough candidates have gathered.
#include "tensor/candidates.h"

#include <algorithm>

#include "tensor/select.h"
#include "tensor/vectors.h"

namespace facet {
namespace {

constexpr size_t kFewMore = 64;
constexpr size_t kBeyond = 16;  // what reaching() may write beyond

}  // namespace

Candidates::Candidates(int64_t k, int64_t most)
    : k_(static_cast<size_t>(k)), most_(static_cast<size_t>(most)), full_(2 * k_ + kFewMore) {}

void Candidates::make_room(size_t count) {
  const size_t wanted = size_ + count + kBeyond;
  if (latent_.size() >= wanted) return;
  lower_.resize(wanted);
  upper_.resize(wanted);
  latent_.resize(wanted);
}

// The k-th largest lower bound, if it is above the bar.
float Candidates::raised() const {
  const auto count = static_cast<int64_t>(size_);
  const auto from = [&](float bound) {
    return static_cast<size_t>(vectors::count_from(lower_.data(), bound, count));
  };
  if (from(bar_) < k_) return bar_;  // some bounds are NaN
  // Halving the numbers between: at least k are `low` or more, fewer are `high` or more.
  int64_t low = selection_key(bar_);
  int64_t high = int64_t{selection_key(std::numeric_limits<float>::infinity())} + 1;
  while (high - low > 1) {
    const int64_t middle = low + (high - low) / 2;
    const size_t above = from(selected_value(static_cast<int32_t>(middle)));
    (above >= k_ ? low : high) = middle;
    if (above == k_) break;
  }
  return selected_value(static_cast<int32_t>(low));
}

void Candidates::tighten() {
  if (size_ <= k_) return;
  bar_ = raised();
  drop();
}

void Candidates::raise(float bar) {
  bar_ = std::max(bar_, bar);
  drop();
}

void Candidates::drop() {
  size_t kept = 0;
  for (size_t i = 0; i < size_; ++i) {
    lower_[kept] = lower_[i];
    upper_[kept] = upper_[i];
    latent_[kept] = latent_[i];
    kept += upper_[i] < bar_ ? 0 : 1;
  }
  too_many_ = kept > most_;
  size_ = too_many_ ? 0 : kept;
  full_ = size_ + std::max(k_, size_ / 2) + kFewMore;
}

}  // namespace facet
