// Bodies of the tests of one set.
#include "go/set_tests.h"

#include <algorithm>
#include <array>
#include <string>

namespace facet {
namespace {

constexpr int64_t kResampled = 500;  // of goatools' method "fdr"
constexpr char kFdr[] = "fdr";

int64_t sum(const ByAspect& counts) { return counts[0] + counts[1] + counts[2]; }

bool resamples(const EnrichmentHow& how) {
  return std::find(how.methods.begin(), how.methods.end(), kFdr) != how.methods.end();
}

}  // namespace

CorrectedP::CorrectedP(CountedP counted, const EnrichmentHow& how) {
  std::sort(counted.begin(), counted.end());
  for (const auto& [p, times] : counted) {
    if (!tests.p.empty() && tests.p.back() == p) {
      tests.times.back() += times;
      continue;
    }
    tests.p.push_back(p);
    tests.times.push_back(times);
  }
  for (const std::string& method : how.methods)
    by_method.push_back(method == kFdr ? tests.p : corrected(method, tests, how.alpha));
}

size_t CorrectedP::index(double p) const {
  return static_cast<size_t>(std::lower_bound(tests.p.begin(), tests.p.end(), p) - tests.p.begin());
}

std::vector<double> CorrectedP::of(double p) const {
  const size_t at = index(p);
  std::vector<double> out;
  for (const auto& values : by_method) out.push_back(values[at]);
  return out;
}

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

SetResult SetTests::run(const int32_t* set, int64_t n, int64_t number, const CorrectedP* global) {
  SetResult out;
  out.n = n;
  if (n == 0) return out;
  std::vector<TermTest> hits = hits_of(set, n);
  const std::vector<Missed> zeros = missed();
  if (elim_) elim_->apply(set, n, hits);

  std::array<CorrectedP, 3> own;
  const auto part = [&](uint8_t aspect) {
    return how_.scope == Scope::aspect ? static_cast<size_t>(aspect) : size_t{0};
  };
  if (!global) {
    std::array<CountedP, 3> counted;
    for (const TermTest& hit : hits)
      counted[part(tested_.aspect[static_cast<size_t>(hit.term)])].emplace_back(hit.p, 1);
    for (const Missed& group : zeros)
      for (uint8_t a = 0; a < 3; ++a)
        if (group.terms[a] > 0) counted[part(a)].emplace_back(group.p, group.terms[a]);
    for (size_t i = 0; i < own.size(); ++i)
      if (!counted[i].empty()) own[i] = CorrectedP(std::move(counted[i]), how_);
  }
  const auto of_aspect = [&](uint8_t aspect) -> const CorrectedP& {
    return global ? *global : own[part(aspect)];
  };
  std::vector<double> random;  // smallest p of random sets
  if (alike_) {
    Rng rng(how_.seed, "enrichment/fdr/" + std::to_string(number));
    random = alike_->smallest(set, n, kResampled, Draws::Over::hit, rng, memo_);
  }
  const auto share_below = [&](double p) {
    const auto below = std::lower_bound(random.begin(), random.end(), p) - random.begin();
    return static_cast<double>(below) / static_cast<double>(kResampled);
  };
  const auto is_kept = [&](double p, int64_t k, uint8_t aspect) {
    if (keep_ != Keep::significant) return keep_ == Keep::all || k > 0;
    return (how_.methods.front() == kFdr ? share_below(p) : of_aspect(aspect).first_of(p)) <
           how_.alpha;
  };
  const auto take = [&](TermTest test, uint8_t aspect) {
    test.corrected = of_aspect(aspect).of(test.p);
    for (size_t m = 0; m < how_.methods.size(); ++m)
      if (how_.methods[m] == kFdr) test.corrected[m] = share_below(test.p);
    out.rows.push_back(std::move(test));
  };

  out.tested = static_cast<int64_t>(hits.size());
  for (const Missed& group : zeros) out.tested += sum(group.terms);
  for (const TermTest& hit : hits) {
    const uint8_t aspect = tested_.aspect[static_cast<size_t>(hit.term)];
    if (is_kept(hit.p, hit.k, aspect)) take(hit, aspect);
  }
  for (const Missed& group : zeros) {
    std::array<bool, 3> kept;  // within a size all tests of one namespace end alike
    for (uint8_t a = 0; a < 3; ++a) kept[a] = group.terms[a] > 0 && is_kept(group.p, 0, a);
    if (!kept[0] && !kept[1] && !kept[2]) continue;
    for (const int32_t term : tested_.of_size[group.size]) {
      const uint8_t aspect = tested_.aspect[static_cast<size_t>(term)];
      if (!kept[aspect] || counter_.units_with(term) > 0) continue;
      TermTest test;
      test.term = term;
      test.n = n;
      test.K = tested_.sizes[group.size];
      test.N = population_.size();
      test.p = group.p;
      take(std::move(test), aspect);
    }
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
