// The Hungarian method: the pairing of rows with columns whose scores have the largest sum.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

/// The best one-to-one pairing of rows and columns.
///
/// score    [n, m] float64 on the CPU, finite; min(n, m) pairs are made.
/// returns  the column of each row, -1 for rows without one (when n > m).
/// cost     O(min(n, m)^2 max(n, m)).
/// source   Kuhn 1955; shortest augmenting paths with potentials as in Jonker and Volgenant 1987.
std::vector<int64_t> best_pairing(const at::Tensor& score);
