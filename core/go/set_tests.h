// The tests of one set: every tested term, with tables shared between sets of one size.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "go/draws.h"
#include "go/elim.h"
#include "go/verdict.h"

namespace facet {

/// What a thread needs to test sets one after another. Sets of one size in a row share their
/// tables.
class SetTests {
 public:
  SetTests(const TestedTerms& tested, const Population& population, const Fisher& fisher,
           const EnrichmentHow& how, Keep keep);

  /// Counts the p-values of a set for a correction over all sets.
  void count(const int32_t* set, int64_t n);
  CountedP counted() { return memo_.counted(); }
  /// The rows of a set, sorted. global: of a correction over all sets; nullptr: over this one.
  /// number: of the set, for its draws.
  SetResult run(const int32_t* set, int64_t n, int64_t number, const CorrectedP* global);

 private:
  struct Missed {  // terms of one size that the set has not
    size_t size;
    ByAspect terms;
    double p;
  };
  std::vector<TermTest> hits_of(const int32_t* set, int64_t n);
  std::vector<Missed> missed() const;
  CountedParts counted_parts(const std::vector<TermTest>& hits,
                             const std::vector<Missed>& missed) const;
  std::vector<double> resampled(const int32_t* set, int64_t n, int64_t number);
  bool keeps(double p, int64_t k, uint8_t aspect, const Verdict& verdict) const;
  void add_missed(const Missed& group, int64_t n, const Verdict& verdict, SetResult& to) const;
  void add_draws(const int32_t* set, int64_t n, int64_t number, std::vector<TermTest>& rows);

  const TestedTerms& tested_;
  const Population& population_;
  const Fisher& fisher_;
  const EnrichmentHow& how_;
  Keep keep_;
  SetCounter counter_;
  mutable TableMemo memo_;
  std::optional<Elim> elim_;
  std::unique_ptr<Draws> draws_, alike_;  // within strata; of all units
};

}  // namespace facet
