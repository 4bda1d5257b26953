// Bodies of revival.
#include "revive.h"

#include <facet/torch.h>

namespace facet {
namespace {

constexpr double kStrength = 0.2;  // of the mean norm of the columns of W_enc that stay
constexpr double kLeastLength = 1e-8;

}  // namespace

void revive_latents(const Tensor& latents, const Tensor& x, Tensor& w_enc, Tensor& b_enc,
                    const Tensor& b_dec, Tensor& w_dec) {
  const at::NoGradGuard no_grad;
  const Tensor centred = x - b_dec;
  const Tensor unit = centred / centred.norm(2, {1}, true).clamp_min(kLeastLength);  // [m, d]
  const Tensor norm = w_enc.norm(2, {0});                                            // [d_sae]
  const Tensor stays = at::ones_like(norm).index_fill_(0, latents, 0);
  const Tensor mean = (norm * stays).sum() / stays.sum().clamp_min(1);
  w_dec.index_copy_(0, latents, unit);
  w_enc.index_copy_(1, latents, (unit * mean * kStrength).t());
  b_enc.index_fill_(0, latents, 0);
}

}  // namespace facet
