// Pairing rows with columns one to one. Knows no torch.
#pragma once

#include <cstdint>
#include <vector>

namespace facet {

/// The pairing whose scores have the largest sum: the Hungarian method.
///
/// score    rows * columns numbers, row by row, finite; min(rows, columns) pairs are made.
/// returns  the column of each row, -1 for rows without one (when rows > columns).
/// cost     O(min(rows, columns)^2 max(rows, columns)); one copy of the scores.
/// source   Kuhn 1955; shortest augmenting paths with potentials as in Jonker and Volgenant 1987.
std::vector<int64_t> best_pairing(const std::vector<double>& score, int64_t rows, int64_t columns);

}  // namespace facet
