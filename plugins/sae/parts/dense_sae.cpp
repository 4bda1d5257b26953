// Bodies of DenseSae. Codes are dense here, so matrix products are faster than sums over entries.
#include "dense_sae.h"

#include <facet/torch.h>

#include "facet/ops.h"

namespace facet {

Tensor DenseSae::activations(const Tensor& pre) const { return pre.relu(); }

namespace {

// Whether a product with all latents is faster than sums over entries.
bool is_dense(const Codes& codes) {
  constexpr int64_t kShare = 8;
  return kShare * codes.nonzeros() > codes.rows() * codes.d_sae;
}

}  // namespace

// Nobody asks for gradients of codes, which thresholds alone choose.
bool DenseSae::is_screened(Mode mode) const {
  return mode == Mode::infer && !at::GradMode::is_enabled() && form_.infer_k == 0 &&
         inference_threshold().defined();
}

Pass DenseSae::pass_rows(const Tensor& x, Mode mode) {
  if (is_screened(mode)) {
    Codes codes = encode(x, mode);
    const Tensor output = is_dense(codes)
                              ? ops::affine(codes.dense(), decoder_rows(), decoder_bias())
                              : decode(codes);
    return {std::move(codes), output.unsqueeze(1), {}, {{"input", x}}};
  }
  const Tensor pre = pre_activations_of(x);  // [n, m]
  Coded z;
  if (infers_otherwise(mode)) {
    z.codes = inferred(activations(pre));
    z.active = z.codes.dense();
  } else {
    z = coded(pre, mode);
  }
  const Tensor output = ops::affine(z.active, decoder_rows(), decoder_bias());
  Pass pass{std::move(z.codes), output.unsqueeze(1), {}, std::move(z.notes)};
  pass.notes.merge(Notes{{"input", x}, {"pre", pre}, {"active", z.active}});
  return pass;
}

Codes DenseSae::encode(const Tensor& x, Mode mode) {
  if (is_screened(mode)) {
    const Dictionary w = dictionary();
    const Tensor least =
        form_.theta > 0 ? at::full_like(w.b_enc, form_.theta) : inference_threshold();
    return ops::encode_above(x, w.w_enc, w.b_enc, w.b_dec, least);
  }
  const Tensor pre = pre_activations_of(x);
  return infers_otherwise(mode) ? inferred(activations(pre)) : coded(pre, mode).codes;
}

}  // namespace facet
