// The best pairing, against all pairings of small tables.
#include "facet/stats.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "facet/rng.h"

namespace facet {
namespace {

double sum_of(const std::vector<double>& score, int64_t columns,
              const std::vector<int64_t>& column_of) {
  double sum = 0;
  for (size_t i = 0; i < column_of.size(); ++i)
    if (column_of[i] >= 0) sum += score[i * static_cast<size_t>(columns) + column_of[i]];
  return sum;
}

// rows <= columns
double best_sum(const std::vector<double>& score, int64_t rows, int64_t columns) {
  std::vector<int64_t> order(columns);
  std::iota(order.begin(), order.end(), 0);
  double best = -1e300;
  do best = std::max(best, sum_of(score, columns, {order.begin(), order.begin() + rows}));
  while (std::next_permutation(order.begin(), order.end()));
  return best;
}

}  // namespace

TEST(Pairing, has_the_largest_sum_of_all) {
  Rng rng(4, "test/pairing");
  for (int64_t rows = 1; rows <= 4; ++rows)
    for (int64_t columns = rows; columns <= 6; ++columns) {
      std::vector<double> score(rows * columns), turned(rows * columns);
      for (int64_t i = 0; i < rows; ++i)
        for (int64_t j = 0; j < columns; ++j)
          score[i * columns + j] = turned[j * rows + i] = rng.normal();
      const auto pairs = best_pairing(score, rows, columns);
      EXPECT_NEAR(sum_of(score, columns, pairs), best_sum(score, rows, columns), 1e-12);
      const auto other = best_pairing(turned, columns, rows);
      for (int64_t i = 0; i < rows; ++i) EXPECT_EQ(other[pairs[i]], i);
      EXPECT_EQ(std::count(other.begin(), other.end(), -1), columns - rows);
    }
}

TEST(Pairing, gives_up_the_best_pair_for_a_better_sum) {
  EXPECT_EQ(best_pairing({10, 9, 9, 1}, 2, 2), (std::vector<int64_t>{1, 0}));
}

}  // namespace facet
