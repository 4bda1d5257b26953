// Bodies of revival.
#include "revive.h"

#include <facet/torch.h>

namespace facet {
namespace {

constexpr double kStrength = 0.2;  // of the mean norm of the columns of W_enc that stay
constexpr double kLeastLength = 1e-8;

Tensor unit_rows(const Tensor& x) { return x / x.norm(2, {1}, true).clamp_min(kLeastLength); }

}  // namespace

void revive_latents(const Tensor& latents, const ReviveRows& rows, Dictionary w) {
  const at::NoGradGuard no_grad;
  w.w_dec.index_copy_(0, latents, unit_rows(rows.target - w.b_dec));
  w.b_enc.index_fill_(0, latents, 0);
  if (!w.w_enc.defined()) return;
  const Tensor norm = w.w_enc.norm(2, {0});  // [d_sae]
  const Tensor stays = at::ones_like(norm).index_fill_(0, latents, 0);
  const Tensor mean = (norm * stays).sum() / stays.sum().clamp_min(1);
  const Tensor coded = unit_rows(rows.centred ? rows.input - w.b_dec : rows.input);
  w.w_enc.index_copy_(1, latents, (coded * mean * kStrength).t());
}

}  // namespace facet
