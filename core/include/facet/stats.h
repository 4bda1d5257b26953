// Statistics: how far a figure may lie from what was measured. Knows no torch.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "facet/rng.h"

namespace facet {

/// Where a figure probably lies, and what says so.
struct Interval {
  double low = 0;
  double high = 0;
  std::string definition;  ///< "95 %, percentile bootstrap over sequences, 1000 resamples"
};

/// Sums of some columns over each of several groups of rows (the residues of a protein): what a
/// bootstrap draws from. Memory is groups * columns numbers, and the groups are bounded.
class GroupSums {
 public:
  /// Keys that leave the same remainder by `most_groups` share a group.
  GroupSums(size_t columns, size_t most_groups);
  /// Adds `values` [columns] to the group of `key`, key >= 0.
  void add(int64_t key, const double* values);

  size_t groups() const { return place_.size(); }
  size_t columns() const { return columns_; }
  /// The sums of group number `group`, counted in the order in which groups were first seen.
  const double* of(size_t group) const { return sums_.data() + group * columns_; }
  /// [columns], groups added in the order in which they were first seen.
  std::vector<double> total() const;

 private:
  size_t columns_, most_groups_;
  std::unordered_map<int64_t, size_t> place_;
  std::vector<double> sums_;  // [groups, columns]
};

/// The figures of summed columns, always as many.
using FiguresOfSums = std::function<std::vector<double>(const std::vector<double>& sums)>;

struct Bootstrap {
  int64_t resamples = 1000;
  double level = 0.95;
  std::string groups = "sequences";  ///< what a group is, for the definition
};

/// For each figure the interval between the (1 - level) / 2 and (1 + level) / 2 quantiles of its
/// values over `resamples` draws of as many groups as there are, with replacement.
///
/// returns  one entry a figure; none for a figure that is not finite in some resample, and none at
///          all with fewer than two groups or without resamples. The same bits for the same rng.
/// cost     resamples * groups * columns additions; resamples calls of `figures`.
/// source   Efron and Tibshirani 1993, An Introduction to the Bootstrap, section 13.3; quantiles by
///          linear interpolation (Hyndman and Fan 1996, definition 7).
std::vector<std::optional<Interval>> bootstrap(const GroupSums& sums, const FiguresOfSums& figures,
                                               const Bootstrap& how, Rng& rng);

/// The pairing whose scores have the largest sum: the Hungarian method.
///
/// score    rows * columns numbers, row by row, finite; min(rows, columns) pairs are made.
/// returns  the column of each row, -1 for rows without one (when rows > columns).
/// cost     O(min(rows, columns)^2 max(rows, columns)); one copy of the scores.
/// source   Kuhn 1955; shortest augmenting paths with potentials as in Jonker and Volgenant 1987.
std::vector<int64_t> best_pairing(const std::vector<double>& score, int64_t rows, int64_t columns);

}  // namespace facet
