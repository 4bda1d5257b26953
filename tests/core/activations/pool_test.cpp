// Pooling of rows and of codes, against sums written out.
#include "activations/pool.h"

#include <facet/torch.h>
#include <gtest/gtest.h>

#include "core/activations/letter_host.h"

namespace facet {
namespace {

Rows rows_of(Tensor x, std::vector<int64_t> sequence) {
  const auto n = static_cast<int64_t>(sequence.size());
  return {std::move(x), torch::tensor(sequence, torch::kInt64), torch::arange(n, torch::kInt32),
          torch::full({n}, 7, torch::kInt32), torch::zeros({n}, torch::kUInt8)};
}

// Rows of codes as a dense table.
Codes codes_of(const Tensor& dense) { return Codes::of(dense); }

}  // namespace

TEST(Pool, of_rows_gives_one_row_for_each_sequence) {
  const Tensor x = torch::tensor({{1.f, 2.f}, {3.f, 6.f}, {-1.f, 5.f}}).unsqueeze(1);
  const Rows mean = pooled(rows_of(x, {4, 4, 9}), Pool::mean);
  EXPECT_TRUE(torch::equal(mean.x, torch::tensor({{2.f, 4.f}, {-1.f, 5.f}}).unsqueeze(1)));
  EXPECT_TRUE(torch::equal(mean.sequence, torch::tensor({4, 9}, torch::kInt64)));
  EXPECT_TRUE(torch::equal(mean.position, torch::zeros({2}, torch::kInt32)));
  EXPECT_TRUE(torch::equal(mean.token, torch::zeros({2}, torch::kInt32)));
  EXPECT_TRUE(torch::equal(mean.flag, torch::zeros({2}, torch::kUInt8)));
  const Rows most = pooled(rows_of(x, {4, 4, 9}), Pool::max);
  EXPECT_TRUE(torch::equal(most.x, torch::tensor({{3.f, 6.f}, {-1.f, 5.f}}).unsqueeze(1)));
}

TEST(Pool, of_rows_sums_in_float64) {
  // In float32, 2^24 + 1 is 2^24: a sum of float32 would lose every one of the ones.
  const Tensor x = torch::ones({1025, 1, 1});
  x[0][0][0] = 16777216.f;
  const Rows mean = pooled(rows_of(x, std::vector<int64_t>(1025, 0)), Pool::mean);
  EXPECT_EQ(mean.x.item<float>(), static_cast<float>((16777216.0 + 1024.0) / 1025.0));
}

TEST(Pool, of_rows_of_any_dtype_is_float32) {
  const Tensor x = torch::tensor({{1.5f}, {2.f}}).unsqueeze(1);
  for (const auto dtype : {torch::kBFloat16, torch::kHalf, torch::kFloat64})
    for (const Pool pool : {Pool::mean, Pool::max}) {
      const Rows out = pooled(rows_of(x.to(dtype), {0, 0}), pool);
      EXPECT_EQ(out.x.scalar_type(), torch::kFloat32);
      EXPECT_EQ(out.x.item<float>(), pool == Pool::mean ? 1.75f : 2.f);
    }
}

TEST(Pool, of_no_rows_is_no_row) {
  const Rows none = pooled(rows_of(torch::zeros({0, 2, 3}), {}), Pool::max);
  EXPECT_EQ(none.x.sizes(), (std::vector<int64_t>{0, 2, 3}));
  EXPECT_EQ(none.size(), 0);
  EXPECT_EQ(
      pooled(Codes::of(torch::zeros({0, 5})), torch::zeros({0}, torch::kInt64), Pool::mean).rows(),
      0);
}

TEST(Pool, of_rows_leaves_a_number_that_is_none) {
  const Tensor x = torch::tensor({{1.f}, {NAN}}).unsqueeze(1);
  for (const Pool pool : {Pool::mean, Pool::max})
    EXPECT_TRUE(std::isnan(pooled(rows_of(x, {0, 0}), pool).x.item<float>()));
}

TEST(Pool, of_codes_counts_zeros) {
  const Tensor dense = torch::tensor({{2.f, 0.f, 0.f, -4.f},   //
                                      {1.f, 0.f, 3.f, -2.f},   //
                                      {0.f, 0.f, 5.f, -1.f},   //
                                      {0.f, 6.f, 0.f, 0.f}});  //
  const Tensor sequence = torch::tensor({0, 0, 0, 3}, torch::kInt64);
  const Codes mean = pooled(codes_of(dense), sequence, Pool::mean);
  const float third = static_cast<float>(7.0 / 3.0), eighth = static_cast<float>(8.0 / 3.0);
  EXPECT_TRUE(torch::equal(mean.dense(), torch::tensor({{1.f, 0.f, eighth, -third},  //
                                                        {0.f, 6.f, 0.f, 0.f}})));
  const Codes most = pooled(codes_of(dense), sequence, Pool::max);
  EXPECT_TRUE(torch::equal(most.dense(), torch::tensor({{2.f, 0.f, 5.f, -1.f},  //
                                                        {0.f, 6.f, 0.f, 0.f}})));
}

TEST(Pool, of_codes_drops_a_latent_whose_largest_code_is_an_absent_one) {
  const Tensor dense = torch::tensor({{-4.f, 1.f}, {0.f, -1.f}});
  const Tensor sequence = torch::zeros({2}, torch::kInt64);
  const Codes most = pooled(codes_of(dense), sequence, Pool::max);
  EXPECT_TRUE(torch::equal(most.latent, torch::tensor({1}, torch::kInt32)));
  const Codes mean = pooled(codes_of(dense), sequence, Pool::mean);
  EXPECT_TRUE(torch::equal(mean.latent, torch::tensor({0}, torch::kInt32)));
}

TEST(Pool, of_codes_agrees_with_dense_tensors) {
  Rng rng(3, "pool");
  Tensor dense = torch::zeros({60, 20});
  for (int64_t i = 0; i < 300; ++i)
    dense[static_cast<int64_t>(rng.below(60))][static_cast<int64_t>(rng.below(20))] =
        static_cast<float>(rng.uniform());
  const Tensor sequence = torch::arange(60).floor_divide(7);
  const Codes codes = codes_of(dense);
  for (int64_t s = 0; s < 9; ++s) {
    const Tensor own = dense.slice(0, 7 * s, std::min<int64_t>(60, 7 * s + 7));
    EXPECT_TRUE(
        torch::equal(pooled(codes, sequence, Pool::max).dense()[s], std::get<0>(own.max(0))));
    EXPECT_TRUE(torch::allclose(pooled(codes, sequence, Pool::mean).dense()[s], own.mean(0)));
  }
}

namespace {

ActivationStream letters(std::vector<std::string> list, const std::string& pool,
                         const std::string& rows = "content") {
  StreamParams params = small_windows();
  params.pool = pool;
  params.rows = rows;
  return ActivationStream(std::make_shared<LetterHost>(), texts(std::move(list)), {"embeddings"},
                          params);
}

}  // namespace

TEST(Pool, of_a_stream_is_the_mean_over_the_rows_that_the_policy_keeps) {
  for (const char* policy : {"content", "all"}) {
    const std::vector<std::string> list = {"ab", "", "cdefghijklmnopqrst", "z"};
    const Rows tokens = letters(list, "none", policy).open(Order::sequential, 0)->next(100);
    const auto source = letters(list, "mean", policy).open(Order::sequential, 0);
    const int64_t count = source->epoch_rows();
    const Rows means = source->next(100);
    const bool all = policy == std::string("all");
    ASSERT_EQ(means.size(), all ? 4 : 3);  // "" has specials only
    EXPECT_EQ(count, means.size());
    for (int64_t i = 0; i < means.size(); ++i) {
      const Tensor own =
          tokens.x.index_select(0, tokens.sequence.eq(means.sequence[i]).nonzero().squeeze(1));
      EXPECT_TRUE(torch::allclose(means.x[i], own.mean(0))) << i;
    }
  }
}

TEST(Pool, of_a_stream_is_part_of_its_key) {
  const std::vector<std::string> list = {"ab"};
  EXPECT_NE(letters(list, "none").key(), letters(list, "mean").key());
  EXPECT_NE(letters(list, "max").key(), letters(list, "mean").key());
  EXPECT_EQ(letters(list, "none").raw_key(), letters(list, "mean", "all").raw_key());
}

}  // namespace facet
