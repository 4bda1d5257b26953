// The Hungarian method by shortest augmenting paths.
#include "facet/stats.h"

#include <algorithm>
#include <limits>

namespace facet {
namespace {

// The pairing of n <= m rows so far, and the potentials that prove it the cheapest. Column 0 and
// row 0 stand for "none".
struct Pairing {
  Pairing(const double* cost, int64_t n, int64_t m)
      : cost(cost),
        m(m),
        of_row(n + 1, 0.0),
        of_column(m + 1, 0.0),
        row(m + 1, 0),
        before(m + 1, 0) {}

  void add(int64_t new_row);

  const double* cost;  // [n, m]
  int64_t m;
  std::vector<double> of_row, of_column;  // potentials
  std::vector<int64_t> row;               // [m + 1] the row of each column
  std::vector<int64_t> before;            // [m + 1] the column before it on the shortest path
};

// Finds the cheapest path from the new row to a free column, and pairs along it.
void Pairing::add(int64_t new_row) {
  row[0] = new_row;
  std::vector<double> least(m + 1, std::numeric_limits<double>::infinity());
  std::vector<char> visited(m + 1, 0);
  int64_t column = 0;
  while (row[column] != 0) {
    visited[column] = 1;
    const int64_t from = row[column];
    const double* costs = cost + (from - 1) * m;
    int64_t nearest = 0;
    double step = std::numeric_limits<double>::infinity();
    for (int64_t j = 1; j <= m; ++j) {
      if (visited[j]) continue;
      const double reduced = costs[j - 1] - of_row[from] - of_column[j];
      if (reduced < least[j]) least[j] = reduced, before[j] = column;
      if (least[j] < step) step = least[j], nearest = j;
    }
    for (int64_t j = 0; j <= m; ++j) {
      if (visited[j])
        of_row[row[j]] += step, of_column[j] -= step;
      else
        least[j] -= step;
    }
    column = nearest;
  }
  for (; column != 0; column = before[column]) row[column] = row[before[column]];
}

}  // namespace

std::vector<int64_t> best_pairing(const std::vector<double>& score, int64_t rows, int64_t columns) {
  const bool wide = rows <= columns;
  const int64_t n = std::min(rows, columns), m = std::max(rows, columns);
  std::vector<double> cost(score.size());  // [n, m]
  for (int64_t i = 0; i < n; ++i)
    for (int64_t j = 0; j < m; ++j)
      cost[i * m + j] = -(wide ? score[i * columns + j] : score[j * columns + i]);
  Pairing pairing(cost.data(), n, m);
  for (int64_t i = 1; i <= n; ++i) pairing.add(i);

  std::vector<int64_t> column_of(rows, -1);
  for (int64_t j = 1; j <= m; ++j) {
    if (pairing.row[j] == 0) continue;
    const int64_t i = pairing.row[j] - 1;
    column_of[wide ? i : j - 1] = wide ? j - 1 : i;
  }
  return column_of;
}

}  // namespace facet
