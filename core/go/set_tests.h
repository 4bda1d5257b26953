// The tests of one set: every tested term, with tables shared between sets of one size.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "go/draws.h"
#include "go/elim.h"

namespace facet {

/// Distinct p-values of some tests, and what each method makes of them.
struct CorrectedP {
  PValues tests;
  std::vector<std::vector<double>> by_method;  ///< [methods][distinct]

  CorrectedP() = default;
  CorrectedP(CountedP counted, const EnrichmentHow& how);
  /// What the methods make of p, which is one of the tests'.
  std::vector<double> of(double p) const;
  /// What the first method makes of it.
  double first_of(double p) const { return by_method.front()[index(p)]; }

 private:
  size_t index(double p) const;
};

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
