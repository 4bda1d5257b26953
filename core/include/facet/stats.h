// Statistics: how far a figure may lie from what was measured, and whether two things go together
// by chance. Knows no torch.
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

/// Which tables are at least as extreme as the one that was seen.
enum class Tail { two_sided = 1, greater, less };

/// Fisher's exact test of k of n drawn, when K of N have a mark.
///
/// two_sided is the sum over all tables no more probable than the one that was seen (as R's
/// fisher.test and SciPy's fisher_exact); greater is P(X >= k), less P(X <= k). Tables whose
/// probabilities differ by rounding alone count as equally probable. An impossible table (k > n,
/// k > K, n + K - k > N) is a bug of the caller; where a margin is 0 or all, p is 1.
///
/// error   relative 1e-12 or less at N up to 10^6, against exact rationals; also below 1e-308, by
///         logarithms.
/// memory  32 bytes * N; the object is shared between threads.
class Fisher {
 public:
  explicit Fisher(int64_t population);
  int64_t population() const;
  double p(Tail tail, int64_t k, int64_t n, int64_t K) const;
  double log_p(Tail tail, int64_t k, int64_t n, int64_t K) const;  ///< natural logarithm
  double log_point(int64_t k, int64_t n, int64_t K) const;         ///< ln P(X = k)

 private:
  long double log_weight(int64_t k, int64_t n, int64_t K) const;
  long double log_sum(Tail tail, int64_t k, int64_t n, int64_t K) const;
  std::vector<long double> log_factorial_;
};

/// p-values with the number of tests that have each: many tests share one.
struct PValues {
  std::vector<double> p;       ///< ascending, each once
  std::vector<int64_t> times;  ///< at least 1
  int64_t tests() const;
};

/// Names of the corrections: bonferroni, sidak and holm as goatools 1.6.7 works them out by itself,
/// and sm_bonferroni, sm_sidak, holm-sidak, sm_holm, simes-hochberg, hommel, fdr_bh, fdr_by,
/// fdr_tsbh, fdr_tsbky, fdr_gbs as it takes them from statsmodels 0.15 (multipletests).
const std::vector<std::string>& corrections();

/// The corrected p of each of tests.p, at most 1.
///
/// method  one of corrections(); UserError with the nearest name for another.
/// alpha   in (0, 1): enters sidak (goatools' factor), fdr_tsbh and fdr_tsbky alone.
/// cost    O(distinct); hommel O(tests log distinct) (Meijer, Krebs and Goeman 2019).
std::vector<double> corrected(const std::string& method, const PValues& tests, double alpha);

/// How well a score ranks the members of a class before the others.
struct RankTest {
  double auroc = 0;              ///< (U of Mann and Whitney) / (m (N - m)), ties count half
  double average_precision = 0;  ///< sum of precision times gain in recall, a tie is one step
  double u = 0;                  ///< U of the members
  double p = 1;  ///< two-sided, normal with tie correction, without continuity correction
  double p_continuity = 1;  ///< the same with continuity correction (SciPy's default)
};

/// value       of those with a score above 0, descending; all others have 0.
/// member      [value.size()] whether each is of the class.
/// members     m, of the class in all, those with score 0 included.
/// population  N
/// returns     not-a-number throughout when m is 0 or N.
RankTest rank_test(const std::vector<float>& value, const std::vector<uint8_t>& member,
                   int64_t members, int64_t population);

/// Student's t for samples of unequal variance.
struct WelchTest {
  double t = 0;
  double degrees = 0;  ///< of freedom, Welch and Satterthwaite
  double p = 1;        ///< two-sided
};
/// Not-a-number throughout when a sample has fewer than two values, or both have no variance.
WelchTest welch_test(const std::vector<double>& a, const std::vector<double>& b);

}  // namespace facet
