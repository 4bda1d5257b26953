// The bootstrap over groups: its quantiles, its coverage, and when it says nothing.
#include <gtest/gtest.h>

#include <cmath>

#include "facet/stats.h"

namespace facet {
namespace {

// A mean over groups of {sum, count}.
std::vector<double> mean_of(const std::vector<double>& sums) { return {sums[0] / sums[1]}; }

GroupSums normal_groups(size_t groups, uint64_t seed) {
  GroupSums sums(2, 1000000);
  Rng rng(seed, "data");
  for (size_t g = 0; g < groups; ++g) {
    const double values[] = {rng.normal(), 1};
    sums.add(static_cast<int64_t>(g), values);
  }
  return sums;
}

TEST(GroupSums, add_up_what_has_one_key_and_share_groups_beyond_the_bound) {
  GroupSums sums(2, 3);
  const double a[] = {1, 10}, b[] = {2, 20};
  for (const int64_t key : {0, 1, 3, 4}) sums.add(key, key % 2 == 0 ? a : b);
  ASSERT_EQ(sums.groups(), 2u);
  EXPECT_EQ(sums.of(0)[0], 3);   // keys 0 and 3
  EXPECT_EQ(sums.of(1)[1], 30);  // keys 1 and 4
  EXPECT_EQ(sums.total(), (std::vector<double>{6, 60}));
}

// The standard error of a mean of 400 standard normals is 1/20; the bounds are 1.96 of them away,
// within what 2000 resamples leave of noise.
TEST(Bootstrap, finds_the_standard_error_of_a_mean) {
  const GroupSums sums = normal_groups(400, 1);
  const double mean = mean_of(sums.total())[0];
  Rng rng(7, "bootstrap");
  const auto interval = bootstrap(sums, mean_of, {2000, 0.95, "sequences"}, rng).at(0);
  ASSERT_TRUE(interval);
  EXPECT_NEAR(mean - interval->low, 1.96 / 20, 0.01);
  EXPECT_NEAR(interval->high - mean, 1.96 / 20, 0.01);
  EXPECT_EQ(interval->definition, "95 %, percentile bootstrap over sequences, 2000 resamples");
}

TEST(Bootstrap, holds_the_truth_about_as_often_as_it_says) {
  int held = 0;
  for (uint64_t seed = 0; seed < 200; ++seed) {
    const GroupSums sums = normal_groups(50, seed);
    Rng rng(seed, "bootstrap");
    const auto interval = bootstrap(sums, mean_of, {200, 0.9, "rows"}, rng).at(0);
    held += interval->low <= 0 && 0 <= interval->high;
  }
  EXPECT_GE(held, 165);  // 180 expected; two binomial standard deviations are 8.5
  EXPECT_LE(held, 195);
}

// Of two groups with means 0 and 1 a quarter of the draws is 0, half 1/2, and a quarter 1: the
// quantiles at 10 and 90 % are the extremes themselves.
TEST(Bootstrap, takes_quantiles_of_the_values_of_resamples) {
  GroupSums sums(2, 10);
  const double a[] = {0, 1}, b[] = {1, 1};
  sums.add(0, a);
  sums.add(1, b);
  Rng rng(1, "bootstrap");
  const auto interval = bootstrap(sums, mean_of, {1000, 0.8, "rows"}, rng).at(0);
  EXPECT_EQ(interval->low, 0);
  EXPECT_EQ(interval->high, 1);
}

TEST(Bootstrap, gives_the_same_bits_for_the_same_seed) {
  const GroupSums sums = normal_groups(30, 1);
  Rng one(5, "bootstrap"), two(5, "bootstrap"), other(6, "bootstrap");
  const auto a = bootstrap(sums, mean_of, {}, one).at(0), b = bootstrap(sums, mean_of, {}, two)[0],
             c = bootstrap(sums, mean_of, {}, other)[0];
  EXPECT_EQ(a->low, b->low);
  EXPECT_EQ(a->high, b->high);
  EXPECT_NE(a->low, c->low);
}

TEST(Bootstrap, says_nothing_without_groups_resamples_or_finite_values) {
  Rng rng(1, "bootstrap");
  EXPECT_FALSE(bootstrap(normal_groups(1, 1), mean_of, {}, rng).at(0));
  EXPECT_FALSE(bootstrap(normal_groups(9, 1), mean_of, {0, 0.95, "rows"}, rng).at(0));
  const auto both = [](const std::vector<double>& sums) {
    return std::vector<double>{sums[0], std::nan("")};
  };
  const auto intervals = bootstrap(normal_groups(9, 1), both, {}, rng);
  EXPECT_TRUE(intervals.at(0));
  EXPECT_FALSE(intervals.at(1));
}

TEST(Bootstrap, names_levels_that_are_not_whole_percents) {
  Rng rng(1, "bootstrap");
  EXPECT_EQ(bootstrap(normal_groups(9, 1), mean_of, {20, 0.995, "rows"}, rng).at(0)->definition,
            "99.5 %, percentile bootstrap over rows, 20 resamples");
}

}  // namespace
}  // namespace facet
