// Streams whose numbers never change, and that do not touch one another.
#include "facet/rng.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "facet/error.h"

using namespace facet;

namespace {

constexpr int kDraws = 100000;
// Five standard deviations of a mean of kDraws values of standard deviation 1.
const double kMeanTolerance = 5 / std::sqrt(kDraws);

}  // namespace

// The first outputs of Blackman and Vigna's C code from the state 1, 2, 3, 4.
TEST(Rng, is_xoshiro256_star_star) {
  Rng rng(0, "");
  rng.restore({1, 2, 3, 4});
  for (const uint64_t expected :
       {11520ull, 0ull, 1509978240ull, 1215971899390074240ull, 1216172134540287360ull})
    EXPECT_EQ(rng.next(), expected);
}

// Written by a Python program of its own (hashlib for the state, integers for xoshiro256**).
TEST(Rng, gives_the_same_first_numbers_for_ever) {
  Rng rng(7, "sae/init");
  for (const uint64_t expected :
       {0xc47306da79361598ull, 0x22925dd67fb3f77eull, 0xe5de63f7e7d0c80bull, 0x1b968d65a2526f31ull})
    EXPECT_EQ(rng.next(), expected);
  rng = Rng(7, "sae/init");
  for (const double expected : {0.7673801692373774, 0.13504587637699195, 0.8979246597517118})
    EXPECT_EQ(rng.uniform(), expected);
  rng = Rng(7, "sae/init");
  for (const double expected : {0.3737768517419109, -0.14909111137443276, 0.16073888068275272})
    EXPECT_DOUBLE_EQ(rng.normal(), expected);
  rng = Rng(7, "sae/init");
  EXPECT_EQ(rng.permutation(10), (std::vector<int64_t>{0, 1, 7, 2, 5, 4, 6, 3, 9, 8}));
}

TEST(Rng, gives_each_purpose_and_each_seed_a_stream_of_its_own) {
  Rng init(7, "sae/init"), shuffle(7, "train/shuffle"), other_seed(8, "sae/init");
  EXPECT_EQ(shuffle.next(), 0xad754aeeae0e9858ull);
  int equal = 0;
  for (int i = 0; i < 1000; ++i) {
    const uint64_t a = init.next(), b = shuffle.next(), c = other_seed.next();
    equal += (a == b) + (a == c) + (b == c);
  }
  EXPECT_EQ(equal, 0);
  EXPECT_NE(Rng(1, "2/x").state(), Rng(12, "x").state());
}

TEST(Rng, goes_on_from_a_state) {
  Rng rng(7, "x");
  rng.next();
  const auto state = rng.state();
  const std::vector<int64_t> expected = rng.permutation(20);
  Rng other(0, "y");
  other.restore(state);
  EXPECT_EQ(other.permutation(20), expected);
}

TEST(Rng, draws_below_a_bound_evenly) {
  Rng rng(7, "below");
  std::vector<int> counts(10);
  for (int i = 0; i < kDraws; ++i) ++counts.at(rng.below(10));
  for (const int count : counts) EXPECT_NEAR(count, kDraws / 10, 5 * std::sqrt(kDraws / 10));
  for (int i = 0; i < 100; ++i) EXPECT_EQ(rng.below(1), 0u);
  EXPECT_THROW(rng.below(0), Bug);
}

// Of 3 * 2^62 values, a plain remainder of 64 bits would give the first quarter twice as often.
TEST(Rng, draws_below_a_large_bound_without_bias) {
  Rng rng(7, "large");
  const uint64_t bound = uint64_t{3} << 62;
  int low = 0;
  for (int i = 0; i < kDraws; ++i) {
    const uint64_t x = rng.below(bound);
    ASSERT_LT(x, bound);
    low += x < uint64_t{1} << 62;
  }
  EXPECT_NEAR(low, kDraws / 3, 5 * std::sqrt(kDraws * 2.0 / 9));
}

TEST(Rng, permutes_without_loss) {
  Rng rng(7, "p");
  for (const int64_t n : {0, 1, 2, 1000}) {
    std::vector<int64_t> order = rng.permutation(n);
    std::sort(order.begin(), order.end());
    ASSERT_EQ(static_cast<int64_t>(order.size()), n);
    for (int64_t i = 0; i < n; ++i) EXPECT_EQ(order[i], i);
  }
}

TEST(Rng, has_the_moments_it_names) {
  Rng rng(7, "moments");
  double mean = 0, square = 0, uniform = 0;
  for (int i = 0; i < kDraws; ++i) {
    const double x = rng.normal(), u = rng.uniform();
    ASSERT_TRUE(u >= 0 && u < 1);
    mean += x / kDraws;
    square += x * x / kDraws;
    uniform += u / kDraws;
  }
  EXPECT_NEAR(mean, 0, kMeanTolerance);
  EXPECT_NEAR(square, 1, std::sqrt(2) * kMeanTolerance);  // the variance of x^2 is 2
  EXPECT_NEAR(uniform, 0.5, kMeanTolerance / std::sqrt(12));
}
