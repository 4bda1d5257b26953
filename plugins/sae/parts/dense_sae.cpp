// Bodies of DenseSae. Codes are dense here, so matrix products are faster than sums over entries.
#include "dense_sae.h"

#include <facet/torch.h>

#include "facet/ops.h"
#include "revive.h"

namespace facet {

DenseSae::DenseSae(const std::string& type, const DenseForm& form, const Shape& shape, Init& init)
    : form_(form),
      w_dec_(param("W_dec", init.uniform({form.d_sae, shape.d_out}, form.decoder_init_norm))),
      w_enc_(param("W_enc", w_dec_.detach().t())),
      b_enc_(param("b_enc", at::zeros({form.d_sae}, w_dec_.options()))),
      b_dec_(param("b_dec", at::zeros({shape.d_out}, w_dec_.options()))),
      norm_{form.decoder_norm, form.decoder_norm_every, form.project_gradient} {
  check_one_hookpoint(type, shape);
}

void DenseSae::start(const Batch& first) {
  start_b_dec(form_.b_dec_start, first.input.select(1, 0), b_dec_);
}

Tensor DenseSae::decoder_rows() const { return w_dec_; }
Tensor DenseSae::decoder(int64_t) const { return decoder_rows(); }
Tensor DenseSae::encoder_bias() const { return b_enc_; }

Tensor DenseSae::pre_activations(const Tensor& x) const {
  return ops::pre_activations(x, w_enc_, encoder_bias(), form_.centre ? b_dec_ : Tensor());
}

Pass DenseSae::pass(const Batch& batch, Mode mode) {
  const Tensor x = batch.input.select(1, 0);  // [n, d]
  const Tensor pre = pre_activations(x);      // [n, m]
  const Tensor z = active(pre, mode);
  const Tensor output = at::addmm(b_dec_, z, decoder_rows());
  return {
      Codes::of(z), output.unsqueeze(1), batch.target, {{"input", x}, {"pre", pre}, {"active", z}}};
}

Codes DenseSae::encode(const Tensor& x, Mode mode) {
  return Codes::of(active(pre_activations(x), mode));
}
Tensor DenseSae::decode(const Codes& codes) { return ops::decode(codes, decoder_rows(), b_dec_); }

Loss DenseSae::error(const Pass& pass, const Step& step) {
  step_ = step.index;
  return error_term(form_.error, pass, step);
}

void DenseSae::revive(const Tensor& latents, const Batch& batch) {
  revive_latents(latents, batch.target.select(1, 0), w_enc_, b_enc_, b_dec_, w_dec_);
}

bool DenseSae::fold(const RowMap& map) {
  for (const auto& [name, value] : params())
    if (name != "W_dec" && name != "W_enc" && name != "b_enc" && name != "b_dec" &&
        name != "threshold")
      return false;
  return ops::fold_rows(map, {w_enc_, b_enc_, w_dec_, b_dec_, form_.centre});
}

void DenseSae::after_backward() { norm_.after_backward(w_dec_); }
void DenseSae::after_step() { norm_.after_step(w_dec_, step_); }

}  // namespace facet
