// Ranks against scikit-learn and SciPy.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "core/stats/golden.h"
#include "facet/stats.h"

namespace facet {
namespace {

constexpr double kShare = 1e-12, kRelativeP = 1e-9;

struct Scores {
  std::vector<float> value;
  std::vector<uint8_t> member;
};

// `sparse` holds pairs of a protein and its score.
Scores scores_of(const Value& sparse, const Value::Array& members) {
  std::vector<std::pair<double, int64_t>> pairs;
  for (const Value& entry : std::get<Value::Array>(sparse.data)) {
    const std::vector<double> pair = numbers_of(entry);
    pairs.emplace_back(-pair[1], pair[0]);
  }
  std::sort(pairs.begin(), pairs.end());
  Scores out;
  for (const auto& [minus_score, protein] : pairs) {
    out.value.push_back(static_cast<float>(-minus_score));
    out.member.push_back(std::count(members.begin(), members.end(), Value(protein)) > 0);
  }
  return out;
}

void expect_ranks(const RankTest& mine, const RankTest& peer) {
  EXPECT_NEAR(mine.auroc, peer.auroc, kShare);
  EXPECT_NEAR(mine.average_precision, peer.average_precision, kShare);
  EXPECT_EQ(mine.u, peer.u);
  EXPECT_NEAR(mine.p, peer.p, kRelativeP * peer.p);
  EXPECT_NEAR(mine.p_continuity, peer.p_continuity, kRelativeP * peer.p_continuity);
}

void expect_nothing(const RankTest& ranks) {
  for (const double figure :
       {ranks.auroc, ranks.average_precision, ranks.u, ranks.p, ranks.p_continuity})
    EXPECT_TRUE(std::isnan(figure));
}

}  // namespace

TEST(RankTests, agree_with_their_peers) {
  const Value input = golden_json("auroc_input.json");
  const auto rows = golden_rows("auroc.tsv");
  ASSERT_EQ(rows.size(), 42u);
  for (const auto& row : rows) {
    SCOPED_TRACE(row.at("latent") + " " + row.at("term"));
    const Value::Array& members = input.at("terms").array(row.at("term"));
    const Scores scores = scores_of(input.at("scores").at(row.at("latent")), members);
    const RankTest mine = rank_test(scores.value, scores.member, std::stoll(row.at("positives")),
                                    input.integer("n_proteins"));
    if (row.at("auroc") == "nan") {
      expect_nothing(mine);
      continue;
    }
    const auto figure = [&](const char* name) { return std::stod(row.at(name)); };
    // Of a dead score SciPy says nan without continuity correction.
    const double plain = scores.value.empty() ? 1 : figure("mwu_two_sided_p_plain");
    expect_ranks(mine, {figure("auroc"), figure("average_precision"), figure("u_statistic"), plain,
                        figure("mwu_two_sided_p_continuity")});
  }
}

TEST(RankTests, agree_with_their_peers_on_random_scores) {
  const Value golden = golden_json("more.json");
  ASSERT_EQ(golden.array("ranks").size(), 4u);
  for (const Value& ranks : golden.array("ranks")) {
    Scores scores;
    for (const double value : numbers_of(ranks.at("value")))
      scores.value.push_back(static_cast<float>(value));
    for (const double member : numbers_of(ranks.at("member"))) scores.member.push_back(member != 0);
    expect_ranks(rank_test(scores.value, scores.member, ranks.integer("members"),
                           ranks.integer("population")),
                 {ranks.number("auroc"), ranks.number("average_precision"), ranks.number("u"),
                  ranks.number("p"), ranks.number("p_continuity")});
  }
}

TEST(RankTests, say_nothing_of_a_dead_score) {
  const RankTest ranks = rank_test({}, {}, 3, 10);
  EXPECT_EQ(ranks.auroc, 0.5);
  EXPECT_EQ(ranks.average_precision, 0.3);
  EXPECT_EQ(ranks.u, 10.5);
  EXPECT_EQ(ranks.p, 1);
  EXPECT_EQ(ranks.p_continuity, 1);
}

TEST(RankTests, have_no_figure_without_a_class_or_without_others) {
  expect_nothing(rank_test({2, 1}, {0, 0}, 0, 5));
  expect_nothing(rank_test({2, 1}, {1, 1}, 5, 5));
}

TEST(RankTests, take_disorder_as_a_bug) {
  EXPECT_THROW(rank_test({1, 2}, {0, 1}, 1, 5), Bug);
  EXPECT_THROW(rank_test({1, 0}, {0, 1}, 1, 5), Bug);
  EXPECT_THROW(rank_test({NAN}, {1}, 1, 5), Bug);
  EXPECT_THROW(rank_test({2, 1}, {1, 1}, 1, 5), Bug);
  EXPECT_THROW(rank_test({2, 1}, {0, 0}, 4, 5), Bug);
  EXPECT_THROW(rank_test({2, 1}, {0}, 1, 5), Bug);
  EXPECT_THROW(rank_test({}, {}, 6, 5), Bug);
}

}  // namespace facet
