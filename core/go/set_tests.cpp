// Bodies of the tests of one set.
#include "go/set_tests.h"

#include <algorithm>
#include <array>
#include <string>

namespace facet {
namespace {

int64_t sum(const ByAspect& counts) { return counts[0] + counts[1] + counts[2]; }

bool resamples(const EnrichmentHow& how) {
  return std::find(how.methods.begin(), how.methods.end(), kFdr) != how.methods.end();
}

}  // namespace

SetTests::SetTests(const TestedTerms& tested, const Population& population, const Fisher& fisher,
                   const EnrichmentHow& how, Keep keep)
    : tested_(tested),
      population_(population),
      fisher_(fisher),
      how_(how),
      keep_(keep),
      counter_(tested),
      memo_(fisher, how.tail, tested.sizes) {
  if (how.elim) elim_.emplace(population, fisher, how.elim_cutoff);
  if (how.permutations > 0)
    draws_ = std::make_unique<Draws>(tested, population.size(), how.stratum);
  if (resamples(how))
    alike_ = std::make_unique<Draws>(tested, population.size(), std::vector<int32_t>());
}

std::vector<TermTest> SetTests::hits_of(const int32_t* set, int64_t n) {
  counter_.count(set, n);
  memo_.take(n);
  std::vector<TermTest> out;
  out.reserve(counter_.hit().size());
  for (const int32_t term : counter_.hit()) {
    const auto size = static_cast<size_t>(tested_.group[static_cast<size_t>(term)]);
    TermTest test;
    test.term = term;
    test.k = counter_.units_with(term);
    test.n = n;
    test.K = tested_.sizes[size];
    test.N = population_.size();
    test.p = memo_.p(size, test.k);
    out.push_back(std::move(test));
  }
  return out;
}

std::vector<SetTests::Missed> SetTests::missed() const {
  std::vector<Missed> out;
  if (how_.hit_terms_only || how_.elim) return out;
  for (size_t size = 0; size < tested_.sizes.size(); ++size)
    if (const ByAspect terms = counter_.missed(size); sum(terms) > 0)
      out.push_back({size, terms, memo_.p(size, 0)});
  return out;
}

void SetTests::count(const int32_t* set, int64_t n) {
  counter_.count(set, n);
  memo_.take(n);
  for (const int32_t term : counter_.hit())
    memo_.p_of(static_cast<size_t>(tested_.group[static_cast<size_t>(term)]),
               counter_.units_with(term), 1);
  for (const Missed& group : missed()) memo_.p_of(group.size, 0, sum(group.terms));
}

CountedParts SetTests::counted_parts(const std::vector<TermTest>& hits,
                                     const std::vector<Missed>& missed) const {
  CountedParts out;
  for (const TermTest& hit : hits)
    out[part_of(how_, tested_.aspect[static_cast<size_t>(hit.term)])].emplace_back(hit.p, 1);
  for (const Missed& group : missed)
    for (uint8_t a = 0; a < 3; ++a)
      if (group.terms[a] > 0) out[part_of(how_, a)].emplace_back(group.p, group.terms[a]);
  return out;
}

std::vector<double> SetTests::resampled(const int32_t* set, int64_t n, int64_t number) {
  if (!alike_) return {};
  Rng rng(how_.seed, "enrichment/fdr/" + std::to_string(number));
  return alike_->smallest(set, n, kResampled, Draws::Over::hit, rng, memo_);
}

bool SetTests::keeps(double p, int64_t k, uint8_t aspect, const Verdict& verdict) const {
  if (keep_ == Keep::significant) return verdict.is_significant(p, aspect);
  return keep_ == Keep::all || k > 0;
}

void SetTests::add_missed(const Missed& group, int64_t n, const Verdict& verdict,
                          SetResult& to) const {
  std::array<bool, 3> kept;  // within a size all tests of one namespace end alike
  for (uint8_t a = 0; a < 3; ++a) kept[a] = group.terms[a] > 0 && keeps(group.p, 0, a, verdict);
  if (!kept[0] && !kept[1] && !kept[2]) return;
  for (const int32_t term : tested_.of_size[group.size]) {
    const uint8_t aspect = tested_.aspect[static_cast<size_t>(term)];
    if (!kept[aspect] || counter_.units_with(term) > 0) continue;
    TermTest test{term,
                  0,
                  n,
                  tested_.sizes[group.size],
                  population_.size(),
                  group.p,
                  verdict.corrected(group.p, aspect)};
    to.rows.push_back(std::move(test));
  }
}

SetResult SetTests::run(const int32_t* set, int64_t n, int64_t number, const CorrectedP* global) {
  SetResult out;
  out.n = n;
  if (n == 0) return out;
  std::vector<TermTest> hits = hits_of(set, n);
  const std::vector<Missed> zeros = missed();
  if (elim_) elim_->apply(set, n, hits);
  const Verdict verdict(how_, global ? CountedParts() : counted_parts(hits, zeros), global,
                        resampled(set, n, number));

  out.tested = static_cast<int64_t>(hits.size());
  for (TermTest& hit : hits) {
    const uint8_t aspect = tested_.aspect[static_cast<size_t>(hit.term)];
    if (!keeps(hit.p, hit.k, aspect, verdict)) continue;
    hit.corrected = verdict.corrected(hit.p, aspect);
    out.rows.push_back(std::move(hit));
  }
  for (const Missed& group : zeros) {
    out.tested += sum(group.terms);
    add_missed(group, n, verdict, out);
  }
  add_draws(set, n, number, out.rows);
  std::sort(out.rows.begin(), out.rows.end(), [](const TermTest& a, const TermTest& b) {
    if (a.p != b.p) return a.p < b.p;
    const auto left = static_cast<__int128>(a.k) * b.K, right = static_cast<__int128>(b.k) * a.K;
    return left != right ? left > right : a.term < b.term;
  });
  return out;
}

void SetTests::add_draws(const int32_t* set, int64_t n, int64_t number,
                         std::vector<TermTest>& rows) {
  if (!draws_ || rows.empty()) return;
  Rng rng(how_.seed, "enrichment/draws/" + std::to_string(number));
  const auto over = how_.hit_terms_only ? Draws::Over::hit : Draws::Over::tested;
  const std::vector<double> smallest =
      draws_->smallest(set, n, how_.permutations, over, rng, memo_);
  for (TermTest& row : rows) {
    const auto below = std::upper_bound(smallest.begin(), smallest.end(), row.p) - smallest.begin();
    row.p_permutation = static_cast<double>(below + 1) / static_cast<double>(how_.permutations + 1);
  }
}

}  // namespace facet
