// Latents of two SAEs compared: permuted, turned round, more of them, none.
#include "train/latent_match.h"

#include <facet/rng.h>
#include <facet/torch.h>
#include <gtest/gtest.h>

namespace facet {
namespace {

constexpr double kSame = 1e-6;  // float32 rows, cosines in float64

Tensor drawn(int64_t rows, int64_t width, uint64_t seed) {
  Init init(seed);
  return init.uniform_within({rows, width}, 1.0);
}

LatentDirections some(int64_t latents, uint64_t seed) {
  return {drawn(latents, 8, seed), drawn(latents, 8, seed + 100)};
}
LatentDirections permuted(const LatentDirections& of, const Tensor& order) {
  return {of.decoder.index_select(0, order), of.encoder.index_select(0, order)};
}

double mean_size(const LatentMatch& match) {
  double sum = 0;
  for (const LatentPair& pair : match.pairs) sum += std::abs(pair.decoder);
  return sum / static_cast<double>(match.pairs.size());
}

}  // namespace

TEST(LatentMatch, an_sae_is_itself) {
  const LatentDirections a = some(20, 1);
  for (const int64_t most : {kMostScores, int64_t{0}}) {
    const LatentMatch match = match_latents(a, a, most);
    EXPECT_EQ(match.best, most > 0);
    ASSERT_EQ(match.pairs.size(), 20u);
    for (int64_t i = 0; i < 20; ++i) {
      EXPECT_EQ(match.pairs[i].a, i);
      EXPECT_EQ(match.pairs[i].b, i);
      EXPECT_NEAR(match.pairs[i].decoder, 1, kSame);
      EXPECT_NEAR(match.pairs[i].encoder, 1, kSame);
      EXPECT_NEAR(match.a_in_b[i], 1, kSame);
    }
  }
}

TEST(LatentMatch, finds_latents_that_were_permuted_scaled_and_turned_round) {
  const LatentDirections a = some(20, 2);
  const Tensor order = at::arange(19, -1, -1);
  LatentDirections b = permuted(a, order);
  b.decoder = b.decoder * at::arange(1, 21).unsqueeze(1);
  b.decoder[3] *= -1;  // latent 16 of a
  for (const int64_t most : {kMostScores, int64_t{0}}) {
    const LatentMatch match = match_latents(a, b, most);
    ASSERT_EQ(match.pairs.size(), 20u);
    for (const LatentPair& pair : match.pairs) {
      EXPECT_EQ(pair.b, 19 - pair.a);
      EXPECT_NEAR(pair.decoder, pair.a == 16 ? -1 : 1, kSame);
      EXPECT_NEAR(pair.encoder, 1, kSame);
    }
    EXPECT_LT(match.a_in_b[16], 0.99);  // its opposite is not near
    EXPECT_NEAR(match.a_in_b[15], 1, kSame);
  }
}

TEST(LatentMatch, of_different_sizes_leaves_latents_over) {
  const LatentDirections a = some(30, 3);
  const LatentDirections b = permuted(a, at::tensor({4, 9, 2}, at::kLong));
  for (const auto& [left, right] : {std::pair{a, b}, std::pair{b, a}}) {
    const LatentMatch match = match_latents(left, right);
    EXPECT_EQ(match.a_in_b.size(), static_cast<size_t>(left.decoder.size(0)));
    ASSERT_EQ(match.pairs.size(), 3u);
    EXPECT_NEAR(mean_size(match), 1, kSame);
  }
  const LatentMatch match = match_latents(a, b);
  EXPECT_EQ(match.pairs[0].a, 2);
  EXPECT_EQ(match.pairs[0].b, 2);
  EXPECT_EQ(match.pairs[2].a, 9);
  EXPECT_EQ(match.pairs[2].b, 1);
}

TEST(LatentMatch, greedy_takes_the_largest_of_what_is_left) {
  const LatentDirections a = some(40, 4), b = some(50, 5);
  const Tensor size = (a.decoder / a.decoder.norm(2, {1}, true))
                          .matmul((b.decoder / b.decoder.norm(2, {1}, true)).t())
                          .abs();
  std::vector<int64_t> should(40, -1);
  for (int i = 0; i < 40; ++i) {
    const int64_t at = size.argmax().item<int64_t>();
    should[at / 50] = at % 50;
    size[at / 50].fill_(-1);
    size.select(1, at % 50).fill_(-1);
  }
  const LatentMatch greedy = match_latents(a, b, 0), best = match_latents(a, b);
  for (const LatentPair& pair : greedy.pairs) EXPECT_EQ(pair.b, should[pair.a]);
  EXPECT_EQ(greedy.pairs.size(), 40u);
  EXPECT_GT(mean_size(best), mean_size(greedy));
}

TEST(LatentMatch, of_more_rows_than_a_block_is_the_same) {
  const LatentDirections a = some(1500, 6);
  const Tensor order = at::arange(1499, -1, -1);
  const LatentMatch match = match_latents(a, permuted(a, order), 0);
  ASSERT_EQ(match.pairs.size(), 1500u);
  for (const LatentPair& pair : match.pairs) EXPECT_EQ(pair.b, 1499 - pair.a);
  for (const double cosine : match.b_in_a) EXPECT_NEAR(cosine, 1, kSame);
}

TEST(LatentMatch, rows_of_zeros_have_no_partner) {
  LatentDirections a = some(5, 7), b = some(5, 8);
  a.decoder[2].fill_(0);
  for (const int64_t most : {kMostScores, int64_t{0}}) {
    const LatentMatch match = match_latents(a, b, most);
    EXPECT_EQ(match.pairs.size(), 4u);
    EXPECT_EQ(match.a_in_b[2], 0);
    for (const LatentPair& pair : match.pairs) EXPECT_NE(pair.a, 2);
  }
  a.decoder.fill_(0);
  EXPECT_TRUE(match_latents(a, b).pairs.empty());
}

TEST(LatentMatch, says_nothing_of_encoders_that_are_not_known) {
  const LatentDirections a = some(5, 9);
  LatentDirections other = a;
  other.encoder = Tensor();
  EXPECT_TRUE(std::isnan(match_latents(a, other).pairs[0].encoder));
  other.encoder = drawn(5, 3, 1);
  EXPECT_TRUE(std::isnan(match_latents(a, other).pairs[0].encoder));
}

}  // namespace facet
