// The merges of byte-pair encoding, and applying them to one piece of a text.
#pragma once

#include <cstdint>
#include <vector>

namespace facet::layers {

/// Tokens left and right become token `merged`.
struct Merge {
  int32_t left = -1, right = -1, merged = -1;
};

/// Merges by rank: the first of the list is applied first, wherever it fits, the leftmost of equal
/// ones before the others.
/// source: Sennrich et al. 2016, arXiv:1508.07909, algorithm 1.
class Merges {
 public:
  /// Of a pair that stands twice the later one counts, as in `tokenizers`.
  explicit Merges(const std::vector<Merge>& merges);

  /// Room that apply() works in, kept between calls.
  class Scratch {
    friend class Merges;
    struct Symbol {
      int32_t id;
      int64_t before, after;  // -1: none; of a symbol that was merged away, id is -1
    };
    struct Candidate {
      uint32_t rank;
      int32_t merged;
      int64_t at;
    };
    std::vector<Symbol> symbols;
    std::vector<Candidate> heap;
  };

  /// Replaces the tokens of one piece by those that merging leaves: O(n log n).
  void apply(std::vector<int32_t>& ids, Scratch& scratch) const;

 private:
  struct Entry {
    uint64_t pair;
    uint32_t rank;
    int32_t merged;
  };
  const Entry* find(int32_t left, int32_t right) const;
  void propose(int64_t at, Scratch& scratch) const;

  std::vector<Entry> table_;  // open addressing, a power of two of entries, half of them free
  int shift_ = 0;
};

}  // namespace facet::layers
