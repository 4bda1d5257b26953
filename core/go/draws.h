// Random sets as large as a given one, and the smallest p-value of each.
#pragma once

#include <vector>

#include "go/table_memo.h"
#include "go/tested_terms.h"

namespace facet {

class Draws {
 public:
  /// stratum  [units] as in EnrichmentHow; empty: all alike.
  Draws(const TestedTerms& tested, int64_t units, const std::vector<int32_t>& stratum);

  /// Terms whose p counts: all that are tested, or those alone that the drawn set has.
  enum class Over { tested = 1, hit };
  /// Ascending, one for each of `times` draws of as many units of each stratum as `set` has; `memo`
  /// has taken n already.
  std::vector<double> smallest(const int32_t* set, int64_t n, int64_t times, Over over, Rng& rng,
                               TableMemo& memo);

 private:
  double smallest_of_counted(Over over, TableMemo& memo) const;

  const TestedTerms& tested_;
  std::vector<int32_t> stratum_;
  std::vector<std::vector<int32_t>> members_;
  SetCounter counter_;
  std::vector<uint8_t> drawn_;  // [units]
};

}  // namespace facet
