// Corrections for many tests against statsmodels and goatools.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "core/stats/golden.h"
#include "expect_refusal.h"
#include "facet/stats.h"

namespace facet {
namespace {

PValues counted(const std::vector<double>& list) {
  std::map<double, int64_t> times;
  for (const double p : list) ++times[p];
  PValues out;
  for (const auto& [p, count] : times) out.p.push_back(p), out.times.push_back(count);
  return out;
}

void expect_corrected(const std::string& method, double mine, double peer) {
  EXPECT_NEAR(mine, peer, 1e-14 + 1e-12 * peer) << method;
}

// Where corrections.json keeps a method, and where in that its numbers are.
std::vector<double> peer_corrected(const Value& golden, const std::string& method) {
  if (method == "bonferroni" || method == "sidak" || method == "holm")
    return numbers_of(golden.at("goatools_" + method));
  const std::string name = method.starts_with("sm_") ? method.substr(3) : method;
  return numbers_of(golden.at(name).at("corrected"));
}

// The largest over m of min(m p, Simes' p of the m largest): O(tests^2). `list` ascends.
std::vector<double> hommel_by_definition(const std::vector<double>& list,
                                         const std::vector<double>& distinct) {
  std::vector<double> out = distinct;
  const int all = static_cast<int>(list.size());
  for (int m = 1; m <= all; ++m) {
    double simes = 1;
    for (int j = 1; j <= m; ++j) simes = std::min(simes, m * list[all - m + j - 1] / j);
    for (size_t i = 0; i < out.size(); ++i)
      out[i] = std::max(out[i], std::min(m * distinct[i], simes));
  }
  return out;
}

}  // namespace

TEST(Corrections, agree_with_their_peers_on_lists_with_ties_and_limits) {
  const Value golden = golden_json("corrections.json");
  const auto& lists = std::get<Value::Table>(golden.data);
  ASSERT_EQ(lists.size(), 8u);
  for (const auto& [name, list] : lists) {
    SCOPED_TRACE(name);
    const std::vector<double> p = numbers_of(list.at("p"));
    const PValues tests = counted(p);
    EXPECT_EQ(tests.tests(), static_cast<int64_t>(p.size()));
    for (const std::string& method : corrections()) {
      const std::vector<double> mine = corrected(method, tests, list.number("alpha"));
      const std::vector<double> peer = peer_corrected(list, method);
      for (size_t i = 0; i < p.size(); ++i) {
        const auto at = std::lower_bound(tests.p.begin(), tests.p.end(), p[i]) - tests.p.begin();
        expect_corrected(method, mine[at], peer[i]);
      }
    }
  }
}

TEST(Corrections, agree_with_their_peers_on_random_lists) {
  const Value golden = golden_json("more.json");
  ASSERT_EQ(golden.array("corrections").size(), 20u);
  for (const Value& list : golden.array("corrections")) {
    PValues tests{numbers_of(list.at("p")), {}};
    for (const Value& times : list.array("times")) tests.times.push_back(*times.as<int64_t>());
    SCOPED_TRACE(testing::Message() << tests.tests() << " tests");
    for (const std::string& method : corrections()) {
      const std::vector<double> mine = corrected(method, tests, list.number("alpha")),
                                peer = numbers_of(list.at(method));
      ASSERT_EQ(mine.size(), peer.size());
      for (size_t i = 0; i < mine.size(); ++i) expect_corrected(method, mine[i], peer[i]);
    }
  }
}

// The docstring of goatools: holm without a running maximum, sidak by a factor.
TEST(Corrections, have_the_numbers_of_goatools) {
  const PValues tests{{0.005, 0.01, 0.03, 0.05}, {1, 2, 1, 1}};
  const auto holm = corrected("holm", tests, 0.05), sidak = corrected("sidak", tests, 0.05);
  const double holm_says[] = {0.025, 0.04, 0.06, 0.05};
  const double sidak_says[] = {0.02449487, 0.04898974, 0.14696923, 0.24494871};
  for (size_t i = 0; i < 4; ++i) {
    EXPECT_NEAR(holm[i], holm_says[i], 1e-15);
    EXPECT_NEAR(sidak[i], sidak_says[i], 5e-9);
  }
}

TEST(Corrections, find_hommels_crossings) {
  Rng rng(3, "test/hommel");
  for (int trial = 0; trial < 200; ++trial) {
    std::vector<double> list(1 + rng.below(60));
    const double levels = static_cast<double>(1 + rng.below(100));
    for (double& p : list) p = std::ceil(rng.uniform() * rng.uniform() * levels) / levels;
    std::sort(list.begin(), list.end());
    const PValues tests = counted(list);
    const std::vector<double> mine = corrected("hommel", tests, 0.05);
    const std::vector<double> peer = hommel_by_definition(list, tests.p);
    for (size_t i = 0; i < peer.size(); ++i) expect_corrected("hommel", mine[i], peer[i]);
  }
}

TEST(Corrections, take_many_tests_of_one_p_at_once) {
  const PValues tests{{1e-12, 1e-6, 0.3, 1}, {1000, 1000000, 300000000, 1000000000}};
  const double all = static_cast<double>(tests.tests());
  EXPECT_NEAR(corrected("fdr_bh", tests, 0.05)[0], 1e-12 * all / 1000, 1e-15);
  // The 1/n of the harmonic numbers: ln n + 0.5772... + 1 / 2n.
  EXPECT_NEAR(corrected("fdr_by", tests, 0.05)[0],
              1e-12 * all / 1000 * (std::log(all) + 0.57721566490153286), 1e-15);
  EXPECT_NEAR(corrected("hommel", tests, 0.05)[1], 1, 1e-15);
}

TEST(Corrections, have_a_value_for_no_tests_and_for_a_p_of_one) {
  for (const std::string& method : corrections()) {
    EXPECT_TRUE(corrected(method, {}, 0.05).empty());
    EXPECT_EQ(corrected(method, {{1}, {3}}, 0.05), std::vector<double>{1}) << method;
  }
}

TEST(Corrections, suggest_the_nearest_name) {
  EXPECT_EQ(corrections().size(), 14u);
  EXPECT_EQ(refusal_of([] {
              corrected("bonferoni", {{0.5}, {1}}, 0.05);
            }),
            "correction: \"bonferoni\" is unknown (did you mean \"bonferroni\"?), should be one of "
            "bonferroni, sidak, holm, sm_bonferroni, sm_sidak, holm-sidak, sm_holm, "
            "simes-hochberg, hommel, fdr_bh, fdr_by, fdr_tsbh, fdr_tsbky, fdr_gbs");
}

TEST(Corrections, take_disorder_as_a_bug) {
  const PValues disorders[] = {{{0.2, 0.1}, {1, 1}}, {{0.1, 0.1}, {1, 1}}, {{0.1}, {0}},
                               {{0.1}, {1, 1}},      {{1.5}, {1}},         {{NAN}, {1}}};
  for (const PValues& tests : disorders) EXPECT_THROW(corrected("sm_holm", tests, 0.05), Bug);
  EXPECT_THROW(corrected("sidak", {{0.1}, {1}}, 1), Bug);
}

}  // namespace facet
