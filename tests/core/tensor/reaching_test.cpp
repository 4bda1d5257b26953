// What rounding takes is bounded, latents that reach the bar are found, and the k largest among
// them.
#include "tensor/reaching.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/tensor/numbers.h"
#include "facet/torch.h"
#include "tensor/candidates.h"
#include "tensor/rounded_rows.h"
#include "tensor/vectors.h"

namespace facet {
namespace {

constexpr float kNotANumber = std::numeric_limits<float>::quiet_NaN();

std::vector<float> list_of(const Tensor& t) {
  return {t.const_data_ptr<float>(), t.const_data_ptr<float>() + t.numel()};
}

// Rows of all sizes that float32 has, and rows with one large number.
Tensor rows_of_all_sizes(int64_t d) {
  Tensor rows = random_tensor({90, d}, "rows of all sizes");
  const std::vector<float> sizes = {1, 1e-45f, 1e-39f, 1e-25f, 1e-10f, 1e10f, 1e15f, 0, -3};
  for (int64_t i = 0; i < 90; ++i) rows[i] *= sizes[static_cast<size_t>(i % 9)];
  rows.slice(0, 80, 90).select(1, d / 2).fill_(500);
  return rows;
}

TEST(RoundedRows, are_as_near_as_they_say) {
  for (const int64_t d : {1, 63, 480}) {
    const Tensor rows = rows_of_all_sizes(d);
    for (const auto numbers : {Numbers::int8, Numbers::bf16, Numbers::fp32}) {
      const RoundedRows is(rows, numbers);
      const Tensor scale = torch::tensor(is.scale).to(at::kDouble).view({-1, 1});
      const Tensor exact = rows.to(at::kDouble), rounded = is.factor().to(at::kDouble) * scale;
      const Tensor norm = exact.norm(2, {1}), lost = (exact - rounded).norm(2, {1});
      for (int64_t i = 0; i < rows.size(0); ++i) {
        SCOPED_TRACE(std::to_string(d) + ", " + std::to_string(static_cast<int>(numbers)) +
                     ", row " + std::to_string(i));
        const auto at = static_cast<size_t>(i);
        EXPECT_LE(norm[i].item<double>(), is.norm[at]);
        EXPECT_LE(lost[i].item<double>(), is.residue[at]);
        // Nor are they far above: 2^-8 of a number in bf16, half a 127th of the largest in int8.
        const double most =
            numbers == Numbers::int8 ? std::sqrt(static_cast<double>(d)) / 254 : 0x1p-8;
        if (norm[i].item<double>() > 1e-20) {
          EXPECT_LE(is.norm[at], 1.001 * norm[i].item<double>());
          EXPECT_LE(is.residue[at], 1.001 * most * norm[i].item<double>() + 1e-6 * is.norm[at]);
        }
      }
    }
  }
}

TEST(RoundedRows, are_int8_where_this_tells_products_apart) {
  const Numbers fastest = fastest_numbers();
  const Tensor x = random_tensor({200, 480}, "x"), w = random_tensor({500, 480}, "w");
  EXPECT_EQ(numbers_for(x, w), fastest);
  const Tensor peaked = x.clone();
  peaked.select(1, 5).fill_(30);  // as residual streams of language models are
  EXPECT_EQ(numbers_for(peaked, w), fine_numbers());
  EXPECT_EQ(numbers_for(random_tensor({200, 4096}, "x"), random_tensor({500, 4096}, "w")),
            fine_numbers());
  EXPECT_EQ(numbers_for(at::zeros({0, 480}), w), fastest);
}

struct Latent {
  float lower, upper;
};

template <class Number>
using Reaching = int64_t (*)(const Number*, const LatentRun&, const Slack&, float, int32_t,
                             const Found&);

template <class Number>
void expect_those_that_reach(Reaching<Number> reaching, const std::vector<Number>& product,
                             const Slack& slack) {
  const auto m = static_cast<int64_t>(product.size());
  std::vector<float> bias = list_of(random_tensor({m}, "bias"));
  const std::vector<float> norm = list_of(random_tensor({m}, "norm").abs());
  const std::vector<float> residue = list_of(random_tensor({m}, "residue").abs() * 0.01);
  const std::vector<float> scale = list_of(random_tensor({m}, "scale").abs());
  bias[7 % product.size()] = kNotANumber;
  const LatentRun all{bias.data(), norm.data(), residue.data(), scale.data(), m};
  const auto bounds = [&](float bar, std::vector<int32_t>& latents) {
    std::vector<float> lower(product.size() + 16), upper(product.size() + 16);
    latents.resize(product.size() + 16);
    const Found found{lower.data(), upper.data(), latents.data()};
    const auto count = static_cast<size_t>(reaching(product.data(), all, slack, bar, 100, found));
    latents.resize(count);
    std::vector<Latent> out;
    for (size_t i = 0; i < count; ++i) out.push_back({lower[i], upper[i]});
    return out;
  };
  std::vector<int32_t> every, some;
  const std::vector<Latent> known = bounds(-std::numeric_limits<float>::infinity(), every);
  ASSERT_EQ(known.size(), product.size());
  for (size_t i = 0; i < known.size(); ++i) {
    EXPECT_EQ(every[i], 100 + static_cast<int32_t>(i));
    if (i == 7 % product.size()) {
      EXPECT_TRUE(std::isnan(known[i].upper));
      continue;
    }
    double p = static_cast<double>(product[i]);
    if (std::is_same_v<Number, uint16_t>)
      p = torch::tensor({static_cast<int32_t>(product[i]) << 16}, at::kInt)
              .view(at::kFloat)
              .template item<float>();
    if (std::is_same_v<Number, int32_t>) p *= static_cast<double>(slack.scale) * scale[i];
    const double off =
        slack.norm * norm[i] + slack.residue * residue[i] + slack.share * std::abs(p);
    const double rounded = 1e-6 * off;  // norms make up for it
    EXPECT_LE(known[i].lower, p + bias[i] - off + rounded);
    EXPECT_GE(known[i].upper, p + bias[i] + off - rounded);
    EXPECT_LE(known[i].upper - known[i].lower, 2 * off + 1e-5 * (1 + std::abs(p)));
  }
  const std::vector<Latent> high = bounds(0.5f, some);
  size_t next = 0;
  for (size_t i = 0; i < known.size(); ++i) {
    if (known[i].upper < 0.5f) continue;
    ASSERT_LT(next, high.size());
    EXPECT_EQ(some[next], every[i]);
    EXPECT_EQ(std::isnan(high[next].upper), std::isnan(known[i].upper));
    EXPECT_TRUE(std::isnan(known[i].upper) || high[next].upper == known[i].upper);
    ++next;
  }
  EXPECT_EQ(next, high.size());
}

TEST(Reaching, finds_the_latents_whose_bounds_reach_the_bar) {
  for (const int64_t m : {1, 15, 16, 33, 300}) {
    const Tensor wide = random_tensor({m}, "products");
    for (const Reaching<float> one :
         {Reaching<float>(reaching), Reaching<float>(reaching_anywhere)})
      expect_those_that_reach<float>(one, list_of(wide), {0.1f, 0.2f, 0, 1});
    const Tensor narrow = wide.to(at::kBFloat16);
    const auto* bits = static_cast<const uint16_t*>(narrow.const_data_ptr());
    for (const Reaching<uint16_t> one :
         {Reaching<uint16_t>(reaching), Reaching<uint16_t>(reaching_anywhere)})
      expect_those_that_reach<uint16_t>(one, {bits, bits + m}, {0.1f, 0.2f, 0x1p-8f, 1});
    const Tensor whole = (wide * 1e6).to(at::kInt);
    const int32_t* numbers = whole.const_data_ptr<int32_t>();
    for (const Reaching<int32_t> one :
         {Reaching<int32_t>(reaching), Reaching<int32_t>(reaching_anywhere)})
      expect_those_that_reach<int32_t>(one, {numbers, numbers + m}, {0.1f, 0.2f, 0x1p-22f, 1e-6f});
  }
}

// Offers products as they are, `each` at a time.
std::vector<int32_t> candidates_of(const std::vector<float>& product, int64_t k, int64_t most,
                                   int64_t each, float off) {
  const std::vector<float> zeros(product.size()), ones(product.size(), 1);
  Candidates candidates(k, most);
  for (int64_t i = 0; i < static_cast<int64_t>(product.size()); i += each) {
    const LatentRun some{zeros.data(), ones.data(), ones.data(), ones.data(),
                         std::min(each, static_cast<int64_t>(product.size()) - i)};
    candidates.offer(product.data() + i, some, {off, 0, 0, 1}, static_cast<int32_t>(i));
  }
  candidates.tighten();
  EXPECT_EQ(candidates.too_many(), candidates.latents().empty());
  return {candidates.latents().begin(), candidates.latents().end()};
}

TEST(Candidates, are_those_that_may_be_among_the_largest) {
  for (const int64_t k : {1, 5, 40}) {
    const Tensor values = random_tensor({2000}, "values") * 1e3;
    const float off = 20;
    const float kth = std::get<0>(values.sort(0, true))[k - 1].item<float>();
    std::vector<int32_t> expected;
    for (int32_t i = 0; i < 2000; ++i)
      if (values[i].item<float>() + off >= kth - off) expected.push_back(i);
    for (const int64_t each : {7, 64, 2000}) {
      const std::vector<int32_t> is = candidates_of(list_of(values), k, 2000, each, off);
      EXPECT_TRUE(std::ranges::includes(is, expected)) << k;
      EXPECT_LE(is.size(), expected.size() + 2) << "what rounding adds to the bounds";
    }
  }
}

TEST(Candidates, are_none_when_bounds_tell_too_little) {
  EXPECT_TRUE(candidates_of(std::vector<float>(3000, 1), 4, 2999, 64, 0.5f).empty());
  EXPECT_EQ(candidates_of(std::vector<float>(3000, 1), 4, 3000, 64, 0.5f).size(), 3000u);
  EXPECT_TRUE(candidates_of(std::vector<float>(3000, kNotANumber), 4, 2999, 64, 0).empty());
  std::vector<float> some(3000, -1);
  for (size_t i = 0; i < 3; ++i) some[1000 * i] = kNotANumber;
  EXPECT_EQ(candidates_of(some, 3, 3000, 64, 0).size(), 3000u) << "NaN might be the largest";
}

TEST(Vectors, dots_have_the_same_bits_alone_and_together) {
  for (const int64_t n : {0, 1, 15, 16, 31, 32, 47, 48, 480, 1001}) {
    const Tensor a = random_tensor({n}, "a"), b = random_tensor({5, n}, "b");
    std::vector<const float*> rows;
    for (int64_t j = 0; j < 5; ++j) rows.push_back(b.const_data_ptr<float>() + j * n);
    const Tensor is = at::full({5}, kNotANumber);
    vectors::dots(a.const_data_ptr<float>(), rows.data(), 5, n, is.mutable_data_ptr<float>());
    EXPECT_LT(worst(is, b.to(at::kDouble).mv(a.to(at::kDouble))), 1e-5);
    for (int64_t j = 0; j < 5; ++j)
      EXPECT_EQ(is[j].item<float>(), vectors::dot(a.const_data_ptr<float>(), rows[j], n)) << n;
  }
}

TEST(Vectors, rows_are_added_one_after_another) {
  for (const int64_t n : {1, 16, 37, 480}) {
    const Tensor a = random_tensor({7}, "factors"), x = random_tensor({7, n}, "x");
    const Tensor shift = random_tensor({n}, "shift"), start = random_tensor({n}, "start");
    std::vector<const float*> rows;
    for (int64_t j = 0; j < 7; ++j) rows.push_back(x.const_data_ptr<float>() + j * n);
    const Tensor together = start.clone(), alone = start.clone(), shifted = start.clone();
    const float* factor = a.const_data_ptr<float>();
    vectors::add_all_scaled(factor, rows.data(), 7, nullptr, together.mutable_data_ptr<float>(), n);
    for (size_t j = 0; j < 7; ++j)
      vectors::add_all_scaled(factor + j, &rows[j], 1, nullptr, alone.mutable_data_ptr<float>(), n);
    EXPECT_TRUE(same_bits(together, alone)) << n;
    vectors::add_all_scaled(factor, rows.data(), 7, shift.const_data_ptr<float>(),
                            shifted.mutable_data_ptr<float>(), n);
    const Tensor exact = a.to(at::kDouble), wide = x.to(at::kDouble);
    EXPECT_LT(worst(together, start.to(at::kDouble) + exact.matmul(wide)), 1e-5);
    EXPECT_LT(worst(shifted, start.to(at::kDouble) + exact.matmul(wide - shift)), 1e-5);
  }
}

}  // namespace
}  // namespace facet
