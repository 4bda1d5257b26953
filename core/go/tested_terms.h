// Which terms are tested, by how many units have each: terms of one size share their p-values.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "facet/enrichment.h"

namespace facet {

/// Numbers of terms by namespace.
using ByAspect = std::array<int64_t, 3>;

struct TestedTerms {
  TestedTerms(const Ontology& ontology, const Population& population, const EnrichmentHow& how);

  std::vector<int64_t> sizes;                 ///< distinct K, ascending
  std::vector<int32_t> group;                 ///< [terms] index of its K in sizes; -1: not tested
  std::vector<uint8_t> aspect;                ///< [terms]
  std::vector<ByAspect> count;                ///< [sizes] terms with that K
  std::vector<std::vector<int32_t>> of_size;  ///< [sizes] those terms, ascending
  ByAspect total{};
  std::vector<int64_t> start;  ///< [units + 1]
  std::vector<int32_t> term;   ///< of each unit, the tested ones alone
};

/// How many units of a set have each tested term.
class SetCounter {
 public:
  explicit SetCounter(const TestedTerms& tested);
  /// Forgets what was counted before.
  void count(const int32_t* units, int64_t n);
  /// The terms that some unit has, in no order that means something.
  const std::vector<int32_t>& hit() const { return hit_; }
  int64_t units_with(int32_t term) const { return count_[static_cast<size_t>(term)]; }
  /// Of the tested terms of a size, those that no unit has.
  ByAspect missed(size_t size) const;

 private:
  const TestedTerms& tested_;
  std::vector<int32_t> count_;
  std::vector<int32_t> hit_;
  std::vector<ByAspect> hit_of_size_;
};

}  // namespace facet
