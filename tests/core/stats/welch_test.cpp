// Welch's test against SciPy.
#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "core/stats/golden.h"
#include "facet/stats.h"

namespace facet {
namespace {

constexpr double kOfScipy = 1e-10, kOfClosedForm = 1e-13;

void expect_welch(const WelchTest& mine, double t, double degrees, double p,
                  double relative = kOfScipy) {
  EXPECT_NEAR(mine.t, t, relative * std::abs(t));
  EXPECT_NEAR(mine.degrees, degrees, relative * degrees);
  EXPECT_NEAR(mine.p, p, relative * p);
}

void expect_no_welch(const WelchTest& test) {
  for (const double figure : {test.t, test.degrees, test.p}) EXPECT_TRUE(std::isnan(figure));
}

// 2 * half values about `centre`, each a step of 1 / half away from the next.
std::vector<double> evenly(double centre, int half) {
  std::vector<double> out;
  for (int i = 1; i <= half; ++i)
    for (const int sign : {-1, 1}) out.push_back(centre + sign * static_cast<double>(i) / half);
  return out;
}

}  // namespace

TEST(Welch, agrees_with_scipy) {
  const Value golden = golden_json("more.json");
  ASSERT_EQ(golden.array("welch").size(), 8u);
  for (const Value& test : golden.array("welch"))
    expect_welch(welch_test(numbers_of(test.at("a")), numbers_of(test.at("b"))), test.number("t"),
                 test.number("degrees"), test.number("p"));
}

// scipy.stats.ttest_ind(a, b, equal_var=False) of the same values.
TEST(Welch, agrees_with_scipy_on_large_samples) {
  expect_welch(welch_test(evenly(0, 5000), evenly(0.02, 3000)), -2.120719423860449,
               12628.293956188103, 0.03396485656083807);
  expect_welch(welch_test(evenly(0, 5000), evenly(0.2, 8000)), -27.169998343627842,
               21221.32419413909, 7.939136466100644e-160);
  expect_welch(welch_test(evenly(0, 20000), evenly(0.0001, 20000)), -0.02449367272888426, 79998.0,
               0.9804588917253402);
  expect_welch(welch_test(evenly(0, 500), evenly(1, 40)), -14.56540332375133, 91.49458114620498,
               1.4551183512191309e-25);
}

TEST(Welch, takes_one_sample_without_variance) {
  expect_welch(welch_test({1.5, 1.5, 1.5}, {1, 2, 4, 3.25}), -1.5992254762521154, 3.0,
               0.20807059634502167);
}

// Student's t with one degree of freedom is Cauchy's; with two it has a closed form too.
TEST(Welch, agrees_with_closed_forms_of_one_and_two_degrees) {
  for (const double shift : {1.0 / 1024, 0.25, 1.0, 2.0, 32.0, 1024.0}) {
    const double t = 2 * shift, u = std::sqrt(2.0) * shift;
    expect_welch(welch_test({shift - 0.5, shift + 0.5}, {0, 0}), t, 1,
                 2 / std::numbers::pi * std::atan(1 / t), kOfClosedForm);
    expect_welch(welch_test({shift - 0.5, shift + 0.5}, {-0.5, 0.5}), u, 2,
                 2 / std::sqrt(2 + u * u) / (u + std::sqrt(2 + u * u)), kOfClosedForm);
  }
}

TEST(Welch, has_a_p_of_one_where_the_means_are_the_same) {
  const WelchTest test = welch_test({1, 2, 3}, {0, 2, 4});
  EXPECT_EQ(test.t, 0);
  EXPECT_EQ(test.p, 1);
}

TEST(Welch, has_no_figure_without_variance) {
  expect_no_welch(welch_test({1}, {1, 2, 3}));
  expect_no_welch(welch_test({1, 2, 3}, {}));
  expect_no_welch(welch_test({0.1, 0.1, 0.1}, {0.3, 0.3, 0.3}));
}

}  // namespace facet
