// The p-values of sets of one size: each table (k, n, K) is computed once.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "facet/stats.h"

namespace facet {

/// p-values and how many tests have each, in no order.
using CountedP = std::vector<std::pair<double, int64_t>>;

class TableMemo {
 public:
  TableMemo(const Fisher& fisher, Tail tail, const std::vector<int64_t>& sizes)
      : fisher_(fisher), tail_(tail), sizes_(sizes), of_size_(sizes.size()) {}

  /// From now on sets have n units; what was known of another n is given up.
  void take(int64_t n) {
    if (n == n_) return;
    flush();
    n_ = n;
  }
  double p(size_t size, int64_t k) { return cell(size, k).p; }
  /// The same, noting that `times` tests have it: for counted().
  double p_of(size_t size, int64_t k, int64_t times) {
    Cell& at = cell(size, k);
    at.times += times;
    return at.p;
  }
  /// Every p that p_of gave, with its tests.
  CountedP counted() {
    flush();
    return std::move(counted_);
  }

 private:
  struct Cell {
    double p = -1;
    int64_t times = 0;
  };

  Cell& cell(size_t size, int64_t k) {
    std::vector<Cell>& cells = of_size_[size];
    if (cells.empty()) used_.push_back(size);
    if (cells.size() <= static_cast<size_t>(k)) cells.resize(static_cast<size_t>(k) + 1);
    Cell& at = cells[static_cast<size_t>(k)];
    if (at.p < 0) at.p = fisher_.p(tail_, k, n_, sizes_[size]);
    return at;
  }

  void flush() {
    for (const size_t size : used_) {
      for (const Cell& at : of_size_[size])
        if (at.times > 0) counted_.emplace_back(at.p, at.times);
      of_size_[size].clear();
    }
    used_.clear();
  }

  const Fisher& fisher_;
  Tail tail_;
  const std::vector<int64_t>& sizes_;
  int64_t n_ = -1;
  std::vector<std::vector<Cell>> of_size_;
  std::vector<size_t> used_;
  CountedP counted_;
};

}  // namespace facet
