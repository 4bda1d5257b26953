// What the corrections make of the tests of one set.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "facet/enrichment.h"
#include "go/table_memo.h"

namespace facet {

/// Distinct p-values of some tests, and what each method makes of them.
class CorrectedP {
 public:
  CorrectedP() = default;
  CorrectedP(CountedP counted, const EnrichmentHow& how);
  /// What the methods make of p, which is one of the tests'.
  std::vector<double> of(double p) const;
  /// What the first method makes of it.
  double first_of(double p) const { return by_method_.front()[index(p)]; }

 private:
  size_t index(double p) const;

  PValues tests_;
  std::vector<std::vector<double>> by_method_;  // [methods][distinct]
};

/// The tests that are corrected together: all of a set, or those of each namespace.
using CountedParts = std::array<CountedP, 3>;
size_t part_of(const EnrichmentHow& how, uint8_t aspect);

class Verdict {
 public:
  /// global  of a correction over all sets, must outlive this; nullptr: `counted` are corrected.
  /// random  ascending, the smallest p of random sets, for the method "fdr"; else empty.
  Verdict(const EnrichmentHow& how, CountedParts counted, const CorrectedP* global,
          std::vector<double> random);

  bool is_significant(double p, uint8_t aspect) const;
  /// [methods]
  std::vector<double> corrected(double p, uint8_t aspect) const;

 private:
  const CorrectedP& of_aspect(uint8_t aspect) const;
  double share_below(double p) const;

  const EnrichmentHow& how_;
  const CorrectedP* global_;
  std::array<CorrectedP, 3> own_;
  std::vector<double> random_;
};

/// The method that draws random sets, and how many.
inline constexpr char kFdr[] = "fdr";
inline constexpr int64_t kResampled = 500;

}  // namespace facet
