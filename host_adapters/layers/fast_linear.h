// Linear layers by the fastest products that LibTorch carries.
#pragma once

#include <ATen/core/Tensor.h>

#include <functional>

#include "layers.h"

namespace facet::layers {

/// A linear layer whose weight can lie as oneDNN's products read it.
class FastLinear {
 public:
  FastLinear() = default;
  explicit FastLinear(Linear layer) : layer_(std::move(layer)) {}

  /// Where a reader of checkpoints puts the weight, [out, in].
  at::Tensor& weight() { return layer_.weight; }
  at::Tensor& bias() { return layer_.bias; }  ///< [out], or undefined
  /// Lays the weight out for products, in place of what was read, where there is a gain: on the
  /// CPU in float32, or in bf16 and a processor that multiplies bf16. Elsewhere it stays. Call it
  /// when the weight will not change any more.
  void pack();
  bool packed() const;
  /// [out, in], made anew of a packed one: the same numbers.
  at::Tensor plain_weight() const;
  /// Keeps the plain weight of a packed one too, so that products with gradients need not make it.
  void keep_plain();

  /// What is done to the sums before they are stored.
  enum class Then { nothing = 1, gelu };
  /// x W^T + b of x [n, in]; without b when it is undefined. Gradients reach x and nothing else.
  /// A row depends on the number of rows no more than the library's products do.
  at::Tensor operator()(const at::Tensor& x, Then then = Then::nothing) const;

 private:
  Linear layer_;      // weight perhaps packed
  at::Tensor plain_;  // of a packed one, if it is kept
};

/// What `of` gives for x [t, d], row by row, computed for some rows after others: as many as the
/// products of packed weights like, whose results then stay in a core's cache. `of` may be given
/// rows of zeros beside. With gradients and on other devices all together, and none beside.
at::Tensor by_rows(const at::Tensor& x,
                   const std::function<at::Tensor(const at::Tensor& rows)>& of);

}  // namespace facet::layers
