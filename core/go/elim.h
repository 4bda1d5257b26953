// elim: a term that is significant by itself takes its units from the terms above it.
#pragma once

#include <cstdint>
#include <vector>

#include "facet/enrichment.h"

namespace facet {

/// Units that have each term.
struct UnitsOfTerms {
  explicit UnitsOfTerms(const Population& population);
  std::vector<int64_t> start;  ///< [terms + 1]
  std::vector<int32_t> unit;   ///< ascending within each
};

class Elim {
 public:
  Elim(const Population& population, const Fisher& fisher, double cutoff);

  /// Tests that are left of `hits`, deepest terms first: K, k and p of each without the units that
  /// significant terms below it took. Population and set keep their sizes.
  ///
  /// source  Alexa, Rahnenführer and Lengauer 2006, as topGO has it: all units of a significant
  /// term
  ///         go, those that were taken from it before included.
  void apply(const int32_t* set, int64_t n, std::vector<TermTest>& hits);

 private:
  const Population& population_;
  const Fisher& fisher_;
  double cutoff_;
  UnitsOfTerms units_of_;
  std::vector<uint8_t> in_set_, taken_;         // [units]
  std::vector<std::vector<int32_t>> taken_by_;  // [terms] significant terms below
};

}  // namespace facet
