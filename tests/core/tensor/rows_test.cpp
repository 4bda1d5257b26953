// Rows: what is known of a row stays beside it.
#include "facet/rows.h"

#include <gtest/gtest.h>

#include "core/tensor/numbers.h"
#include "facet/torch.h"

namespace facet {
namespace {

Rows some_rows() {
  Rows rows;
  rows.x = random_tensor({5, 3}, "x");
  rows.sequence = torch::tensor({0, 0, 0, 1, 1}, at::kLong);
  rows.position = torch::tensor({0, 1, 2, 0, 1}, at::kInt);
  rows.token = torch::tensor({9, 8, 7, 9, 6}, at::kInt);
  rows.flag = torch::tensor({1, 0, 0, 1, 0}, at::kByte);
  return rows;
}

TEST(RowsTest, slices_keep_their_labels) {
  const Rows rows = some_rows();
  const Rows part = rows.slice(1, 4);
  EXPECT_EQ(part.size(), 3);
  EXPECT_TRUE(part.x.equal(rows.x.slice(0, 1, 4)));
  EXPECT_TRUE(part.sequence.equal(torch::tensor({0, 0, 1}, at::kLong)));
  EXPECT_EQ(part.x.const_data_ptr<float>(), rows.x.const_data_ptr<float>() + 3);
}

TEST(RowsTest, selected_rows_keep_their_labels) {
  const Rows part = some_rows().select(torch::tensor({4, 0}, at::kLong));
  EXPECT_TRUE(part.position.equal(torch::tensor({1, 0}, at::kInt)));
  EXPECT_TRUE(part.token.equal(torch::tensor({6, 9}, at::kInt)));
  EXPECT_TRUE(part.flag.equal(torch::tensor({0, 1}, at::kByte)));
}

TEST(RowsTest, joined_slices_are_the_whole) {
  const Rows rows = some_rows();
  const Rows joined = Rows::joined({rows.slice(0, 2), rows.slice(2, 5)});
  EXPECT_TRUE(joined.x.equal(rows.x));
  EXPECT_TRUE(joined.flag.equal(rows.flag));
}

TEST(RowsTest, rows_without_activations_are_counted_by_their_labels) {
  Rows rows = some_rows();
  rows.x = Tensor();
  EXPECT_EQ(rows.size(), 5);
  EXPECT_FALSE(rows.slice(0, 2).x.defined());
  EXPECT_EQ(Rows().size(), 0);
}

}  // namespace
}  // namespace facet
