// Bodies of DenseSae. Codes are dense here, so matrix products are faster than sums over entries.
#include "dense_sae.h"

#include <facet/torch.h>

#include "facet/ops.h"

namespace facet {

Tensor DenseSae::activations(const Tensor& pre) const { return pre.relu(); }

Pass DenseSae::pass_rows(const Tensor& x, Mode mode) {
  const Tensor pre = pre_activations_of(x);  // [n, m]
  Codes codes;
  Tensor z;
  if (infers_otherwise(mode)) {
    codes = inferred(activations(pre));
    z = codes.dense();
  } else {
    z = active(pre, mode);
    codes = Codes::of(z);
  }
  const Tensor output = ops::affine(z, decoder_rows(), decoder_bias());
  return {std::move(codes), output.unsqueeze(1), {}, {{"input", x}, {"pre", pre}, {"active", z}}};
}

Codes DenseSae::encode(const Tensor& x, Mode mode) {
  const Tensor pre = pre_activations_of(x);
  return infers_otherwise(mode) ? inferred(activations(pre)) : Codes::of(active(pre, mode));
}

}  // namespace facet
