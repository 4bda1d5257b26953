// The screen chooses what working out every pre-activation in float32 chooses, bit for bit.
#include "tensor/screen.h"

#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <limits>

#include "core/tensor/numbers.h"
#include "facet/ops.h"
#include "facet/torch.h"
#include "tensor/elsewhere.h"
#include "tensor/vectors.h"

namespace facet {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

struct Problem {
  const char* name;
  Tensor x, w, b;  // [n, d], [m, d], [m]
  int64_t k;
  double most_dense = 1;  // share of the rows for which every latent may be worked out
};

Tensor normal(std::vector<int64_t> sizes, const std::string& purpose) {
  return random_tensor(sizes, "screen " + purpose);
}

Problem random_rows(const char* name, int64_t n, int64_t d, int64_t m, int64_t k) {
  return {name, normal({n, d}, "x"), normal({m, d}, "w"), normal({m}, "b"), k, 0.01};
}

// Row i of x is times scale[i % size].
Problem scaled(const char* name, const std::vector<float>& scales) {
  Problem p = random_rows(name, 400, 32, 2500, 12);
  for (int64_t i = 0; i < p.x.size(0); ++i)
    p.x[i].mul_(scales[static_cast<size_t>(i) % scales.size()]);
  p.most_dense = 1;
  return p;
}

Problem with(Problem p, const char* name, Tensor Problem::*which, int64_t row, float number) {
  p.name = name;
  p.most_dense = 1;
  (p.*which)[row].fill_(number);
  return p;
}

std::vector<Problem> problems() {
  std::vector<Problem> out = {
      random_rows("ten thousand rows", 10000, 24, 1500, 9),
      random_rows("a wide row", 7, 3001, 2100, 33),
      random_rows("one latent", 3, 5, 1, 1),
      random_rows("all latents", 4, 6, 70, 70),
      random_rows("no rows", 0, 6, 70, 3),
      random_rows("many kept", 40, 64, 4000, 300),
      scaled("sizes from denormal to what no product holds",
             {1e-44f, 1e-40f, 1e-30f, 1e-20f, 1.0f, 1e10f, 1e19f, 1e30f, 3e38f}),
      scaled("zeros", {0.0f, -0.0f}),
  };
  Problem ties = random_rows("near ties", 600, 40, 3000, 16);
  ties.w = ties.w[0] + normal({3000, 40}, "ties") * 1e-6;
  ties.most_dense = 1;
  out.push_back(ties);
  Problem equal = random_rows("ties", 300, 40, 3000, 16);
  equal.w = equal.w.slice(0, 0, 30).repeat({100, 1});
  equal.b = at::zeros({3000});
  equal.most_dense = 1;
  out.push_back(equal);
  Problem negative = random_rows("nothing above 0", 300, 40, 3000, 16);
  negative.b = at::full({3000}, -1000.0f);
  out.push_back(negative);
  const Problem plain = random_rows("", 300, 20, 2000, 8);
  out.push_back(with(plain, "a row that is NaN", &Problem::x, 7, kNaN));
  out.push_back(with(plain, "a row that is infinite", &Problem::x, 7, kInfinity));
  out.push_back(with(plain, "a latent that is NaN", &Problem::w, 1500, kNaN));
  out.push_back(with(plain, "a latent that is infinite", &Problem::w, 1500, -kInfinity));
  out.push_back(with(plain, "a bias that is NaN", &Problem::b, 1500, kNaN));
  out.push_back(with(plain, "a bias of minus infinity", &Problem::b, 0, -kInfinity));
  return out;
}

// Every pre-activation in float32.
Tensor exact_pre_activations(const Problem& p) {
  const int64_t n = p.x.size(0), m = p.w.size(0), d = p.w.size(1);
  const Tensor pre = at::empty({n, m}, at::kFloat);
  for (int64_t i = 0; i < n; ++i)
    for (int64_t l = 0; l < m; ++l)
      pre.mutable_data_ptr<float>()[i * m + l] =
          vectors::dot(p.x.const_data_ptr<float>() + i * d, p.w.const_data_ptr<float>() + l * d,
                       d) +
          p.b.const_data_ptr<float>()[l];
  return pre;
}

Codes exact(const Problem& p) {
  return ops::reference::keep_topk(exact_pre_activations(p), p.k, ops::Negatives::kept);
}

struct Chosen {
  Tensor latent, value;
};

Chosen screened(const Problem& p, Numbers numbers) {
  const int64_t n = p.x.size(0);
  Chosen out{at::empty({n * p.k}, at::kInt), at::empty({n * p.k}, at::kFloat)};
  Screen(p.w, p.b, numbers)
      .choose(p.x, p.k, out.latent.mutable_data_ptr<int32_t>(),
              out.value.mutable_data_ptr<float>());
  return out;
}

TEST(Screen, chooses_what_all_pre_activations_in_float32_choose) {
  for (const Problem& p : problems()) {
    const Codes expected = exact(p);
    for (const auto numbers : {Numbers::int8, Numbers::bf16, Numbers::fp32}) {
      if (numbers == Numbers::int8 && fastest_numbers() != numbers) continue;  // may be inexact
      SCOPED_TRACE(std::string(p.name) + ", " + std::to_string(static_cast<int>(numbers)));
      const Screen::Counts before = Screen::counts();
      const Chosen is = screened(p, numbers);
      EXPECT_TRUE(is.latent.equal(expected.latent));
      EXPECT_TRUE(same_bits(is.value, expected.value));
      EXPECT_EQ(Screen::counts().rows - before.rows, p.x.size(0));
      if (numbers < numbers_for(p.x, p.w)) continue;  // they tell too little
      EXPECT_LE(static_cast<double>(Screen::counts().dense - before.dense),
                p.most_dense * static_cast<double>(p.x.size(0)));
    }
  }
}

TEST(Screen, chooses_the_largest_of_all_rows_together) {
  for (const Problem& p : problems()) {
    const Tensor pre = exact_pre_activations(p);
    for (const int64_t count : {p.k, p.k * p.x.size(0)}) {
      if (count > pre.numel()) continue;
      const Codes expected = ops::elsewhere::keep_batch_topk(pre, count);
      for (const auto numbers : {Numbers::int8, Numbers::bf16, Numbers::fp32}) {
        if (numbers == Numbers::int8 && fastest_numbers() != numbers) continue;  // may be inexact
        SCOPED_TRACE(std::string(p.name) + ", " + std::to_string(static_cast<int>(numbers)) + ", " +
                     std::to_string(count));
        const auto is = Screen(p.w, p.b, numbers).choose_of_batch(p.x, count);
        EXPECT_TRUE(is || p.most_dense == 1 || numbers < numbers_for(p.x, p.w));
        if (!is) continue;
        EXPECT_TRUE(torch::tensor(is->start, at::kLong).equal(expected.start));
        EXPECT_TRUE(torch::tensor(is->latent, at::kInt).equal(expected.latent));
        EXPECT_TRUE(same_bits(torch::tensor(is->value, at::kFloat), expected.value));
      }
    }
  }
}

TEST(Screen, chooses_what_is_above_thresholds) {
  for (const Problem& p : problems()) {
    const Tensor pre = exact_pre_activations(p);
    Tensor threshold = normal({p.w.size(0)}, "thresholds") + 2 * std::sqrt(p.w.size(1));
    threshold[0] = -5;
    for (const auto numbers : {Numbers::int8, Numbers::bf16, Numbers::fp32}) {
      if (numbers == Numbers::int8 && fastest_numbers() != numbers) continue;  // may be inexact
      SCOPED_TRACE(std::string(p.name) + ", " + std::to_string(static_cast<int>(numbers)));
      const Tensor kept = (pre > threshold.clamp_min(0)).logical_or(pre.isnan());
      const Codes expected = Codes::of(at::where(kept, pre, at::zeros({})));
      const auto is = Screen(p.w, p.b, numbers).choose_above(p.x, threshold);
      EXPECT_TRUE(is || p.most_dense == 1 || 20 * expected.nonzeros() > pre.numel() ||
                  numbers < numbers_for(p.x, p.w));
      if (!is) continue;
      EXPECT_TRUE(torch::tensor(is->start, at::kLong).equal(expected.start));
      EXPECT_TRUE(torch::tensor(is->latent, at::kInt).equal(expected.latent));
      EXPECT_TRUE(same_bits(torch::tensor(is->value, at::kFloat), expected.value));
    }
  }
}

TEST(Screen, knows_that_a_product_of_bf16_is_rounded) {
  // The product is 1.00388, 1 when it is given back as bf16.
  Problem p = random_rows("", 1, 1, 50, 1);
  p.x.fill_(255.0f / 128);
  p.w.fill_(0)[0] = 129.0f / 256;
  p.b.fill_(1.003f)[0] = 0;
  EXPECT_EQ(screened(p, Numbers::bf16).latent.item<int32_t>(), 0) << "1.0038 is more than 1.003";
}

TEST(Screen, works_every_latent_out_where_bounds_tell_nothing) {
  Problem p = random_rows("", 20, 30, 3000, 4);
  p.w = p.w[0].repeat({3000, 1});
  const Screen::Counts before = Screen::counts();
  const Chosen is = screened(p, Numbers::bf16);
  EXPECT_EQ(Screen::counts().dense - before.dense, 0) << "biases tell them apart";
  p.b = at::zeros({3000});
  const Chosen tied = screened(p, Numbers::bf16);
  EXPECT_EQ(Screen::counts().dense - before.dense, 20);
  EXPECT_TRUE(tied.latent.view({20, 4}).equal(at::arange(4, at::kInt).repeat({20, 1})));
}

TEST(Screen, a_row_has_the_same_bits_at_any_number_of_threads_and_beside_any_rows) {
  const Problem p = random_rows("", 700, 33, 2500, 8);
  const int before = at::get_num_threads();
  at::set_num_threads(1);
  const Chosen one = screened(p, fastest_numbers());
  at::set_num_threads(3);
  const Chosen three = screened(p, fastest_numbers());
  Problem alone = p;
  alone.x = p.x.narrow(0, 300, 1);
  const Chosen row = screened(alone, fastest_numbers());
  at::set_num_threads(before);
  EXPECT_TRUE(one.latent.equal(three.latent));
  EXPECT_TRUE(same_bits(one.value, three.value));
  EXPECT_TRUE(row.latent.equal(one.latent.narrow(0, 300 * 8, 8)));
  EXPECT_TRUE(same_bits(row.value, one.value.narrow(0, 300 * 8, 8)));
}

}  // namespace
}  // namespace facet
