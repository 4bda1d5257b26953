// Which terms stand out in sets of genes: all sets against all terms at once.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "facet/ontology.h"
#include "facet/rng.h"
#include "facet/stats.h"

namespace facet {

/// What is counted, and the terms each counted thing has. A unit is a gene, or a cluster of genes
/// that counts once.
struct Population {
  std::vector<std::string> units;   ///< ascending, each once
  std::vector<int64_t> start;       ///< [units + 1]
  std::vector<int32_t> term;        ///< of each unit: numbers of terms, ascending, propagated
  std::vector<int32_t> unit_count;  ///< [terms] units that have the term
  Closure above;                    ///< what each term implies, itself included; empty: nothing

  int64_t size() const { return static_cast<int64_t>(units.size()); }
  /// The units that have a term of `aspect`: what some programs call the universe.
  Population annotated(const Ontology& ontology, Aspect aspect) const;
};

/// The unit of each gene: itself, or the cluster's name.
using UnitOf = std::function<std::string(const std::string& gene)>;

/// genes    may stand more than once; the order is of no matter.
/// closure  what a term implies; nullptr: the direct terms alone.
Population make_population(const std::vector<std::string>& genes, const Annotations& annotations,
                           const Ontology& ontology, const Closure* closure,
                           const UnitOf& unit_of = {});

/// Sets of units, as CSR.
struct UnitSets {
  std::vector<int64_t> start = {0};  ///< [sets + 1]
  std::vector<int32_t> unit;         ///< numbers of units, ascending and unique within each set

  int64_t size() const { return static_cast<int64_t>(start.size()) - 1; }
  /// Appends a set; sorts it and takes each unit once.
  void add(std::vector<int32_t> units);
};

/// Over which tests a correction counts: those of one set, those of one set and namespace, or all.
enum class Scope { set = 1, aspect, global };

struct EnrichmentHow {
  Tail tail = Tail::two_sided;
  /// Those of corrections(), and "fdr": the share of 500 random sets as large whose smallest p is
  /// below, as goatools has it. The first one decides what is significant.
  std::vector<std::string> methods = {"bonferroni"};
  Scope scope = Scope::set;
  double alpha = 0.05;
  std::vector<Aspect> aspects = {kAspects.begin(), kAspects.end()};  ///< terms of these are tested
  bool hit_terms_only = false;  ///< tests (and counts) only terms that the set has; so does elim
  int64_t least = 1;            ///< units that a tested term has at least
  int64_t most = 0;             ///< and at most; 0: no bound
  /// Alexa, Rahnenführer and Lengauer 2006: a term that is significant by itself takes its units
  /// from the terms above it. Only with Tail::greater.
  bool elim = false;
  double elim_cutoff = 0.01;
  /// Draws of random sets as large as the set, of which each row's p_permutation is made; 0: none.
  int64_t permutations = 0;
  /// [units] a number below 2^16 for each unit: draws take as many units of each as the set has,
  /// and permuted labels stay within; empty: all alike.
  std::vector<int32_t> stratum;
  uint64_t seed = 0;  ///< of the draws
  int threads = 0;    ///< 0: as many as OpenMP would take; the result is the same
};

/// One set and one term.
struct TermTest {
  int32_t term = 0;
  int64_t k = 0, n = 0, K = 0, N = 0;  ///< in both, in the set, with the term, in the population
  double p = 1;                        ///< not corrected
  std::vector<double> corrected;       ///< [methods]
  /// (1 + draws whose smallest p is not above this one's) / (1 + draws): the chance of one such
  /// term anywhere (Westfall and Young 1993, single step); -1: no draws were made.
  double p_permutation = -1;
  /// k / n > K / N; equal shares are not.
  bool enriched() const { return k * N > K * n; }
};

struct SetResult {
  int64_t n = 0;       ///< units of the set
  int64_t tested = 0;  ///< terms
  /// Ascending by p, then larger k N / (n K), then id of the term.
  std::vector<TermTest> rows;
};

/// Which tests a result keeps.
enum class Keep { significant = 1, hit, all };

/// Fisher's exact test of every set against every term.
///
/// Counts are sparse; each distinct table (k, n, K) of a set size is computed once, and tests of
/// terms that a set has not are counted, not listed. The bytes are the same at any thread count.
///
/// keep     significant: corrected p by the first method < alpha; hit: k > 0; all: every tested
///          term.
/// breathe  called now and then from the calling thread with the number of finished sets.
/// cost     the sum over sets and their units of the unit's terms; with Scope::global twice.
/// source   goatools 1.6.7 go_enrichment.py: the population counts units without terms; every term
///          with a unit of the population is tested, also those that the set has not.
/// throws   UserError for an unknown method, and for elim with another tail than greater, with
///          Scope::global or in a population without `above`.
std::vector<SetResult> enrichment(const Ontology& ontology, const Population& population,
                                  const UnitSets& sets, const EnrichmentHow& how, Keep keep,
                                  const std::function<void(int64_t)>& breathe = {});

/// The sets as they would be if units had changed places within their strata: one permutation of
/// all units, the same for every set, so that sizes and overlaps of the sets stay.
UnitSets permuted(const UnitSets& sets, int64_t units, const std::vector<int32_t>& stratum,
                  Rng& rng);

/// -ln(K / N): how much it says that a gene has the term (Resnik 1995).
double information_content(int64_t K, int64_t N);

}  // namespace facet
