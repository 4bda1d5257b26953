// Bodies of the decoder's norm.
#include "decoder_norm.h"

#include <facet/torch.h>

#include <limits>

#include "facet/ops.h"

namespace facet {
namespace {

constexpr double kUnitEps = std::numeric_limits<float>::epsilon();
constexpr double kProjectionEps = 1e-6;
constexpr double kLeastNorm = 1e-8;

}  // namespace

std::vector<std::string> decoder_norm_words() {
  return {"never", "after_step", "after_backward", "before_pass"};
}
std::vector<std::string> decoder_norm_over_words() { return {"rows", "columns"}; }

void DecoderNorm::normalise(Tensor& w_dec) const {
  if (over == "rows") return ops::normalise_rows(w_dec, kUnitEps);
  const at::NoGradGuard no_grad;
  Tensor columns = w_dec.t().contiguous();
  ops::normalise_rows(columns, kUnitEps);
  w_dec.copy_(columns.t());
}

void DecoderNorm::before_pass(Tensor& w_dec) const {
  if (when == "before_pass") normalise(w_dec);
}

void DecoderNorm::after_backward(Tensor& w_dec) const {
  if (when == "after_backward") normalise(w_dec);
  if (!project) return;
  if (over == "rows") return ops::project_gradient(w_dec, kProjectionEps);
  if (!w_dec.grad().defined()) return;
  const at::NoGradGuard no_grad;
  Tensor gradient = w_dec.grad().t().contiguous();
  ops::remove_parallel(gradient, w_dec.detach().t().contiguous(), kProjectionEps);
  w_dec.mutable_grad().copy_(gradient.t());
}

void DecoderNorm::after_step(Tensor& w_dec, int64_t step) const {
  if (when == "after_step" && step >= first && (step - first) % every == 0) normalise(w_dec);
}

Tensor row_norms(const Tensor& w_dec) { return w_dec.detach().norm(2, {1}).clamp_min(kLeastNorm); }

}  // namespace facet
