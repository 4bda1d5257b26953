// A hash table of pairs, and a heap of the merges that fit a linked list of symbols.
#include "merges.h"

#include <algorithm>
#include <bit>
#include <tuple>

namespace facet::layers {

namespace {

constexpr uint64_t kFree = UINT64_MAX;  // ids are not negative, so no pair is this

uint64_t pair_of(int32_t left, int32_t right) {
  return static_cast<uint64_t>(static_cast<uint32_t>(left)) << 32 | static_cast<uint32_t>(right);
}

// source: Knuth, The Art of Computer Programming 3, 6.4: multiplication by 2^64 / golden ratio.
size_t slot_of(uint64_t pair, int shift) { return (pair * 0x9E3779B97F4A7C15ULL) >> shift; }

}  // namespace

Merges::Merges(const std::vector<Merge>& merges) {
  const size_t size = std::bit_ceil(2 * merges.size() + 2);
  shift_ = 64 - std::countr_zero(size);
  table_.assign(size, {kFree, 0, -1});
  for (size_t rank = 0; rank < merges.size(); ++rank) {
    const Merge& merge = merges[rank];
    const uint64_t pair = pair_of(merge.left, merge.right);
    size_t slot = slot_of(pair, shift_);
    while (table_[slot].pair != kFree && table_[slot].pair != pair) slot = (slot + 1) & (size - 1);
    table_[slot] = {pair, static_cast<uint32_t>(rank), merge.merged};
  }
}

const Merges::Entry* Merges::find(int32_t left, int32_t right) const {
  const uint64_t pair = pair_of(left, right);
  for (size_t slot = slot_of(pair, shift_);; slot = (slot + 1) & (table_.size() - 1)) {
    if (table_[slot].pair == pair) return &table_[slot];
    if (table_[slot].pair == kFree) return nullptr;
  }
}

namespace {
// For std::push_heap: the lowest rank, then the leftmost, on top.
constexpr auto kLater = [](const auto& a, const auto& b) {
  return std::tie(a.rank, a.at) > std::tie(b.rank, b.at);
};
}  // namespace

void Merges::propose(int64_t at, Scratch& scratch) const {
  if (at < 0 || scratch.symbols[at].after < 0) return;
  const auto& left = scratch.symbols[at];
  const Entry* entry = find(left.id, scratch.symbols[left.after].id);
  if (!entry) return;
  scratch.heap.push_back({entry->rank, entry->merged, at});
  std::push_heap(scratch.heap.begin(), scratch.heap.end(), kLater);
}

void Merges::apply(std::vector<int32_t>& ids, Scratch& scratch) const {
  auto& symbols = scratch.symbols;
  auto& heap = scratch.heap;
  const int64_t n = static_cast<int64_t>(ids.size());
  symbols.clear();
  heap.clear();
  for (int64_t i = 0; i < n; ++i) symbols.push_back({ids[i], i - 1, i + 1 < n ? i + 1 : -1});
  for (int64_t i = 0; i + 1 < n; ++i) propose(i, scratch);
  while (!heap.empty()) {
    std::pop_heap(heap.begin(), heap.end(), kLater);
    const Scratch::Candidate best = heap.back();
    heap.pop_back();
    Scratch::Symbol& left = symbols[best.at];
    if (left.id < 0 || left.after < 0) continue;
    Scratch::Symbol& right = symbols[left.after];
    // A pair at one place only grows, so an outdated candidate makes another token.
    const Entry* entry = find(left.id, right.id);
    if (!entry || entry->merged != best.merged) continue;
    left.id = best.merged;
    left.after = right.after;
    right.id = -1;
    if (left.after >= 0) symbols[left.after].before = best.at;
    propose(left.before, scratch);
    propose(best.at, scratch);
  }
  ids.clear();
  for (int64_t at = n > 0 ? 0 : -1; at >= 0; at = symbols[at].after) ids.push_back(symbols[at].id);
}

}  // namespace facet::layers
