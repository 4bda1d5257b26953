// Codes: from dense and back, joined and cut.
#include "facet/codes.h"

#include <gtest/gtest.h>

#include "core/tensor/numbers.h"
#include "facet/error.h"
#include "facet/torch.h"

namespace facet {
namespace {

Tensor some_dense() { return floats({0, 2, 0, 3, 0, 0, 0, 0, 1, 4, 5, 6}).view({4, 3}); }

TEST(CodesTest, dense_comes_back_from_codes) {
  const Codes codes = Codes::of(some_dense());
  EXPECT_EQ(codes.rows(), 4);
  EXPECT_EQ(codes.nonzeros(), 6);
  EXPECT_EQ(codes.d_sae, 3);
  EXPECT_TRUE(codes.start.equal(torch::tensor({0, 1, 2, 3, 6}, at::kLong)));
  EXPECT_TRUE(codes.latent.equal(torch::tensor({1, 0, 2, 0, 1, 2}, at::kInt)));
  EXPECT_TRUE(codes.row().equal(torch::tensor({0, 1, 2, 3, 3, 3}, at::kLong)));
  EXPECT_TRUE(codes.dense().equal(some_dense()));
}

TEST(CodesTest, empty_codes_are_fine) {
  const Codes silent = Codes::of(at::zeros({2, 3}));
  EXPECT_EQ(silent.nonzeros(), 0);
  EXPECT_TRUE(silent.dense().equal(at::zeros({2, 3})));
  const Codes none = Codes::of(at::zeros({0, 3}));
  EXPECT_EQ(none.rows(), 0);
  EXPECT_EQ(none.dense().sizes(), (std::vector<int64_t>{0, 3}));
}

TEST(CodesTest, many_rows_of_any_layout_come_back) {
  const Tensor drawn = random_tensor({301, 70}, "dense");
  const Tensor dense = at::where(drawn > 0.8, drawn, at::zeros({}));
  for (const Tensor& one : {dense, dense.t().contiguous().t(), dense.to(at::kDouble)}) {
    const Codes codes = Codes::of(one);
    EXPECT_TRUE(codes.dense().equal(dense));
    EXPECT_EQ(codes.nonzeros(), dense.ne(0).sum().item<int64_t>());
  }
}

TEST(CodesTest, nan_is_an_entry) {
  EXPECT_EQ(Codes::of(floats({0, NAN, 0}).view({1, 3})).nonzeros(), 1);
}

TEST(CodesTest, gradients_pass_both_ways) {
  const Tensor dense = some_dense().requires_grad_();
  const Tensor weight = random_tensor({4, 3}, "weight");
  (Codes::of(dense).dense() * weight).sum().backward();
  EXPECT_TRUE(dense.grad().equal(weight * (some_dense() != 0)));
}

TEST(CodesTest, slices_start_again_at_zero) {
  const Codes part = Codes::of(some_dense()).slice(1, 4);
  EXPECT_TRUE(part.start.equal(torch::tensor({0, 1, 2, 5}, at::kLong)));
  EXPECT_TRUE(part.dense().equal(some_dense().slice(0, 1, 4)));
  EXPECT_EQ(Codes::of(some_dense()).slice(2, 2).rows(), 0);
  EXPECT_THROW(part.slice(0, 4), Bug);
}

TEST(CodesTest, joined_slices_are_the_whole) {
  const Codes whole = Codes::of(some_dense());
  const Codes joined = Codes::joined({whole.slice(0, 1), whole.slice(1, 1), whole.slice(1, 4)});
  EXPECT_TRUE(joined.start.equal(whole.start));
  EXPECT_TRUE(joined.latent.equal(whole.latent));
  EXPECT_TRUE(joined.value.equal(whole.value));
  EXPECT_EQ(joined.d_sae, 3);
}

TEST(CodesTest, codes_that_differ_in_width_are_not_joined) {
  EXPECT_THROW(Codes::joined({Codes::of(at::ones({1, 2})), Codes::of(at::ones({1, 3}))}), Bug);
}

TEST(CodesTest, cpu_copies_leave_the_graph) {
  const Tensor dense = some_dense().requires_grad_();
  EXPECT_FALSE(Codes::of(dense).cpu().value.requires_grad());
}

}  // namespace
}  // namespace facet
