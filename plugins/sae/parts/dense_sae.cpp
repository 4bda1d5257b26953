// Bodies of DenseSae. Codes are dense here, so matrix products are faster than sums over entries.
#include "dense_sae.h"

#include <facet/torch.h>

namespace facet {

Pass DenseSae::pass_rows(const Tensor& x, Mode mode) {
  const Tensor pre = pre_activations(x);  // [n, m]
  const Tensor z = active(pre, mode);
  const Tensor output = at::addmm(decoder_bias(), z, decoder_rows());
  return {Codes::of(z), output.unsqueeze(1), {}, {{"input", x}, {"pre", pre}, {"active", z}}};
}

Codes DenseSae::encode(const Tensor& x, Mode mode) {
  return Codes::of(active(pre_activations(x), mode));
}

}  // namespace facet
