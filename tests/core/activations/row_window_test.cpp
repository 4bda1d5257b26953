// Windows of rows: what they give is what joining, permuting and cutting gives.
#include "activations/row_window.h"

#include <ATen/Parallel.h>
#include <facet/torch.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "core/activations/letter_host.h"
#include "facet/error.h"
#include "facet/rng.h"

namespace facet {
namespace {

// Rows of two hookpoints, all different.
Rows numbered_rows(int64_t first, int64_t n, int64_t width, at::ScalarType dtype) {
  const Tensor row = torch::arange(first, first + n);
  return {(row.view({n, 1, 1}) * 7 + torch::arange(2 * width).view({2, width})).to(dtype), row / 3,
          (row % 5).to(torch::kInt32), (row % 11).to(torch::kInt32), (row % 4).to(torch::kUInt8)};
}

std::vector<Rows> numbered_pieces(const std::vector<int64_t>& sizes, int64_t width,
                                  at::ScalarType dtype) {
  std::vector<Rows> out;
  int64_t first = 0;
  for (const int64_t n : sizes) {
    out.push_back(numbered_rows(first, n, width, dtype));
    first += n;
  }
  return out;
}

RowWindow window_of(const std::vector<Rows>& pieces) {
  RowWindow out;
  for (const Rows& piece : pieces) out.add(piece);
  return out;
}

// Every cut of `step` rows.
void expect_cuts(const RowWindow& window, const Rows& all, int64_t step) {
  ASSERT_EQ(window.size(), all.size());
  for (int64_t begin = 0; begin < all.size(); begin += step) {
    const int64_t end = std::min(all.size(), begin + step);
    std::vector<Rows> parts;
    window.take(begin, end, parts);
    ASSERT_TRUE(same_bits(Rows::joined(parts), all.slice(begin, end))) << begin;
  }
}

TEST(RowWindow, gives_the_rows_of_its_pieces_joined) {
  const auto pieces = numbered_pieces({4, 1, 9, 3}, 6, torch::kFloat32);
  for (const int64_t step : {1, 4, 5, 17})
    expect_cuts(window_of(pieces), Rows::joined(pieces), step);
}

TEST(RowWindow, permuted_gives_the_rows_of_its_pieces_joined_and_permuted) {
  const int threads = at::get_num_threads();
  for (const auto dtype : {torch::kFloat32, torch::kBFloat16})
    for (const int64_t width : {5, 512}) {  // 512: more than one thread copies
      const auto pieces = numbered_pieces({40, 1, 900, 59}, width, dtype);
      const std::vector<int64_t> order = Rng(3, "window").permutation(1000);
      const Rows all = Rows::joined(pieces).select(torch::tensor(order));
      RowWindow window = window_of(pieces);
      window.permute(order);
      for (const int used : {1, 2, 3}) {
        at::set_num_threads(used);
        for (const int64_t step : {7, 300, 1000}) expect_cuts(window, all, step);
      }
    }
  at::set_num_threads(threads);
}

TEST(RowWindow, permuted_gives_copies) {
  const auto pieces = numbered_pieces({3}, 2, torch::kFloat32);
  RowWindow window = window_of(pieces);
  window.permute({2, 0, 1});
  std::vector<Rows> parts;
  window.take(0, 3, parts);
  parts[0].x.zero_();
  parts.clear();
  window.take(0, 3, parts);
  EXPECT_TRUE(torch::equal(parts[0].x, pieces[0].x.index_select(0, torch::tensor({2, 0, 1}))));
}

TEST(RowWindow, takes_pieces_of_one_form) {
  RowWindow window = window_of({numbered_rows(0, 3, 4, torch::kFloat32)});
  EXPECT_THROW(window.add(numbered_rows(3, 3, 5, torch::kFloat32)), Bug);
  EXPECT_THROW(window.add(numbered_rows(3, 3, 2, torch::kFloat64)), Bug);
  EXPECT_THROW(window.add(numbered_rows(3, 0, 4, torch::kFloat32)), Bug);
  EXPECT_THROW(window.permute({1, 0}), Bug);
}

TEST(RowWindow, takes_pieces_that_are_not_contiguous) {
  Rows piece = numbered_rows(0, 6, 4, torch::kFloat32);
  const Rows whole = piece;
  piece.x = piece.x.transpose(1, 2).contiguous().transpose(1, 2);
  RowWindow window = window_of({piece});
  window.permute({5, 4, 3, 2, 1, 0});
  std::vector<Rows> parts;
  window.take(0, 6, parts);
  EXPECT_TRUE(same_bits(parts[0], whole.select(torch::arange(5, -1, -1))));
}

}  // namespace
}  // namespace facet
