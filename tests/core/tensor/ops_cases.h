// Shapes and layouts that operations are tested on, and codes side by side.
#pragma once

#include <gtest/gtest.h>

#include <functional>

#include "core/tensor/numbers.h"
#include "facet/ops.h"
#include "facet/torch.h"

namespace facet {

inline constexpr double kRounding =
    2e-5;  // sums of a few hundred float32 products in another order

enum class Layout { latent_contiguous = 1, row_major };

struct Case {
  int64_t n, d, m, k;
  Layout layout = Layout::latent_contiguous;
};

inline constexpr Case kCases[] = {
    {1, 1, 1, 1},
    {3, 5, 7, 2},
    {4, 8, 16, 16},
    {33, 24, 300, 7},
    {300, 17, 65, 9},
    {5, 32, 1000, 64},
    {6, 9, 40, 3, Layout::row_major},
    {0, 4, 9, 2},
    {500, 100, 400, 5},
};

struct Problem {
  explicit Problem(const Case& c)
      : x(random_tensor({c.n, c.d}, "x")),
        w_enc(c.layout == Layout::row_major ? random_tensor({c.d, c.m}, "w_enc")
                                            : random_tensor({c.m, c.d}, "w_enc").t()),
        b_enc(random_tensor({c.m}, "b_enc")),
        w_dec(random_tensor({c.m, c.d}, "w_dec")),
        b_dec(random_tensor({c.d}, "b_dec")),
        k(c.k) {}
  Tensor x, w_enc, b_enc, w_dec, b_dec;
  int64_t k;

  Tensor pre() const { return ops::reference::pre_activations(x, w_enc, b_enc, b_dec); }
};

inline void for_each_case(const std::function<void(const Problem&)>& test) {
  for (const Case& c : kCases) {
    SCOPED_TRACE("n " + std::to_string(c.n) + " d " + std::to_string(c.d) + " m " +
                 std::to_string(c.m));
    test(Problem(c));
  }
}

inline void expect_same_codes(const Codes& is, const Codes& expected) {
  EXPECT_TRUE(is.start.equal(expected.start));
  EXPECT_TRUE(same_bits(is.latent, expected.latent));
  EXPECT_TRUE(same_bits(is.value, expected.value));
  EXPECT_EQ(is.d_sae, expected.d_sae);
}

}  // namespace facet
