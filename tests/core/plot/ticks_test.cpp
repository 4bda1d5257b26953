// Round numbers along an axis.
#include "plot/ticks.h"

#include <gtest/gtest.h>

using namespace facet;

namespace {

std::string texts(const std::vector<double>& ticks) {
  std::string out;
  for (const double tick : ticks) out += (out.empty() ? "" : " ") + tick_text(tick);
  return out;
}

}  // namespace

TEST(Ticks, are_round_and_lie_within_the_axis) {
  struct Case {
    double low, high;
    const char* ticks;
  };
  for (const Case& c : {Case{0, 1, "0 0.2 0.4 0.6 0.8 1"}, Case{-1, 1, "-1 -0.5 0 0.5 1"},
                        Case{0.013, 0.0141, "0.013 0.0135 0.014"}, Case{3, 512, "200 400"},
                        Case{0, 3e6, "0 1e+06 2e+06 3e+06"}})
    EXPECT_EQ(texts(linear_ticks(c.low, c.high, 5)), c.ticks);
}

TEST(Ticks, of_a_log_axis_are_powers_of_ten_or_where_those_are_few_between_them) {
  struct Case {
    double low, high;
    const char* ticks;
  };
  for (const Case& c :
       {Case{0.001, 10, "0.001 0.01 0.1 1 10"}, Case{1e-6, 1e6, "1e-06 0.001 1 1000 1e+06"},
        Case{20, 50, "20 50"}, Case{0.2, 5, "0.2 0.5 1 2 5"}, Case{1, 10, "1 2 5 10"}})
    EXPECT_EQ(texts(log_ticks(c.low, c.high, 5)), c.ticks);
}

TEST(Ticks, rounds_a_value_to_the_ends_of_a_log_axis) {
  struct Case {
    double value, below, above;
  };
  for (const Case& c : {Case{1, 1, 1}, Case{3, 2, 5}, Case{0.07, 0.05, 0.1}, Case{90, 50, 100}}) {
    EXPECT_DOUBLE_EQ(round_below(c.value), c.below);
    EXPECT_DOUBLE_EQ(round_above(c.value), c.above);
  }
}
