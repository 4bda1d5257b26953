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

std::vector<std::string> decoder_norm_words() { return {"never", "after_step", "after_backward"}; }

void DecoderNorm::after_backward(Tensor& w_dec) const {
  if (when == "after_backward") ops::normalise_rows(w_dec, kUnitEps);
  if (project && w_dec.grad().defined())
    ops::remove_parallel(w_dec.mutable_grad(), w_dec.detach(), kProjectionEps);
}

void DecoderNorm::after_step(Tensor& w_dec, int64_t step) const {
  if (when == "after_step" && step % every == 0) ops::normalise_rows(w_dec, kUnitEps);
}

Tensor row_norms(const Tensor& w_dec) { return w_dec.detach().norm(2, {1}).clamp_min(kLeastNorm); }

}  // namespace facet
