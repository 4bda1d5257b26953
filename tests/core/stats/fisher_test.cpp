// Fisher's exact test against exact rationals.
#include <gtest/gtest.h>

#include <cfloat>
#include <cmath>

#include "core/stats/golden.h"
#include "facet/stats.h"

namespace facet {
namespace {

constexpr double kRelative = 1e-12;

// The logarithm of a decimal that may be smaller than every double.
double log_of_decimal(const std::string& text) {
  const size_t mark = text.find('e');
  const double exponent = mark == std::string::npos ? 0 : std::stod(text.substr(mark + 1));
  return std::log(std::stod(text.substr(0, mark))) + exponent * std::log(10.0);
}

void expect_p(const Fisher& fisher, Tail tail, int64_t k, int64_t n, int64_t marked,
              const std::string& golden) {
  const double log_golden = log_of_decimal(golden), log_p = fisher.log_p(tail, k, n, marked);
  EXPECT_NEAR(log_p, log_golden, kRelative * std::max(1.0, std::abs(log_golden)))
      << k << " " << n << " " << marked << " of " << fisher.population();
  if (log_golden < std::log(DBL_MIN)) return;
  const double p = std::stod(golden);
  EXPECT_NEAR(fisher.p(tail, k, n, marked), p, kRelative * p)
      << k << " " << n << " " << marked << " of " << fisher.population();
}

using Row = std::map<std::string, std::string>;

void expect_row(const Fisher& fisher, int64_t k, int64_t n, int64_t marked, const Row& row) {
  expect_p(fisher, Tail::two_sided, k, n, marked, row.at("two_sided"));
  expect_p(fisher, Tail::greater, k, n, marked, row.at("greater"));
  expect_p(fisher, Tail::less, k, n, marked, row.at("less"));
  const double log_point = log_of_decimal(row.at("point"));
  EXPECT_NEAR(fisher.log_point(k, n, marked), log_point,
              kRelative * std::max(1.0, std::abs(log_point)));
}

const Fisher& fisher_of(int64_t population) {
  static std::map<int64_t, Fisher> made;
  return made.try_emplace(population, population).first->second;
}

// choose(n, k) of small numbers: n <= 30.
uint64_t ways(int64_t n, int64_t k) {
  uint64_t out = 1;
  for (int64_t i = 1; i <= k; ++i) out = out * static_cast<uint64_t>(n - k + i) / i;
  return out;
}

struct Sums {
  uint64_t all = 0, two_sided = 0, greater = 0, less = 0;
};

Sums sums_of(int64_t k, int64_t n, int64_t marked, int64_t all) {
  const auto weight = [&](int64_t x) { return ways(marked, x) * ways(all - marked, n - x); };
  Sums sums;
  for (int64_t x = std::max<int64_t>(0, n + marked - all); x <= std::min(n, marked); ++x) {
    sums.all += weight(x);
    if (weight(x) <= weight(k)) sums.two_sided += weight(x);
    if (x >= k) sums.greater += weight(x);
    if (x <= k) sums.less += weight(x);
  }
  return sums;
}

// A p that is 1 is 1 to the bit.
void expect_share(double p, uint64_t part, uint64_t all) {
  const double share = static_cast<double>(part) / static_cast<double>(all);
  if (part == all)
    EXPECT_EQ(p, 1);
  else
    EXPECT_NEAR(p, share, 1e-14 * share);
}

void expect_all_tables(const Fisher& fisher, int64_t n, int64_t marked) {
  const int64_t all = fisher.population();
  for (int64_t k = std::max<int64_t>(0, n + marked - all); k <= std::min(n, marked); ++k) {
    SCOPED_TRACE(testing::Message() << k << " " << n << " " << marked << " of " << all);
    const Sums sums = sums_of(k, n, marked, all);
    expect_share(fisher.p(Tail::two_sided, k, n, marked), sums.two_sided, sums.all);
    expect_share(fisher.p(Tail::greater, k, n, marked), sums.greater, sums.all);
    expect_share(fisher.p(Tail::less, k, n, marked), sums.less, sums.all);
  }
}

}  // namespace

TEST(FisherTest, agrees_with_exact_rationals) {
  const auto rows = golden_rows("fisher.tsv");
  ASSERT_EQ(rows.size(), 171u);
  for (const auto& row : rows)
    expect_row(fisher_of(std::stoll(row.at("N"))), std::stoll(row.at("k")), std::stoll(row.at("n")),
               std::stoll(row.at("K")), row);
}

TEST(FisherTest, agrees_with_exact_rationals_of_large_populations) {
  const Value more = golden_json("more.json");
  ASSERT_EQ(more.array("fisher").size(), 14u);
  for (const Value& table : more.array("fisher")) {
    Row row;
    for (const char* figure : {"two_sided", "greater", "less", "point"})
      row[figure] = table.text(figure);
    expect_row(fisher_of(table.integer("N")), table.integer("k"), table.integer("n"),
               table.integer("K"), row);
  }
}

// Many of these tables have another of the same probability, which must be counted.
TEST(FisherTest, agrees_with_integers_for_every_small_table) {
  for (int64_t all = 0; all <= 20; ++all) {
    const Fisher fisher(all);
    for (int64_t n = 0; n <= all; ++n)
      for (int64_t marked = 0; marked <= all; ++marked) expect_all_tables(fisher, n, marked);
  }
}

TEST(FisherTest, is_exactly_one_where_nothing_can_be_learnt) {
  const Fisher& fisher = fisher_of(16534);
  for (const Tail tail : {Tail::two_sided, Tail::greater, Tail::less}) {
    EXPECT_EQ(fisher.p(tail, 0, 0, 300), 1);
    EXPECT_EQ(fisher.p(tail, 300, 16534, 300), 1);
    EXPECT_EQ(fisher.p(tail, 0, 64, 0), 1);
    EXPECT_EQ(fisher.p(tail, 64, 64, 16534), 1);
    EXPECT_EQ(fisher.log_p(tail, 64, 64, 16534), 0);
  }
  EXPECT_EQ(fisher.p(Tail::two_sided, 32, 64, 8267), 1);  // the mode
  EXPECT_EQ(fisher.p(Tail::two_sided, 31, 63, 8267), 1);  // two modes
  EXPECT_EQ(fisher.p(Tail::two_sided, 32, 63, 8267), 1);
  EXPECT_EQ(fisher.p(Tail::greater, 0, 64, 300), 1);
  EXPECT_EQ(fisher.p(Tail::less, 64, 64, 300), 1);
}

TEST(FisherTest, counts_the_mirrored_table_of_a_symmetric_one) {
  const Fisher& fisher = fisher_of(16534);
  for (int64_t k = 33; k <= 64; ++k) {
    const double upper = fisher.p(Tail::greater, k, 64, 8267);
    EXPECT_NEAR(fisher.p(Tail::two_sided, k, 64, 8267), 2 * upper, 1e-14 * upper);
  }
}

TEST(FisherTest, takes_an_impossible_table_as_a_bug) {
  const Fisher& fisher = fisher_of(100);
  const int64_t impossible[][3] = {{-1, 3, 4},  {4, 3, 5},   {4, 5, 3},
                                   {0, 60, 60}, {0, 101, 0}, {0, 0, 101}};
  for (const auto& [k, n, marked] : impossible) {
    EXPECT_THROW(fisher.p(Tail::two_sided, k, n, marked), Bug);
    EXPECT_THROW(fisher.log_point(k, n, marked), Bug);
  }
  EXPECT_THROW(Fisher(-1), Bug);
}

}  // namespace facet
