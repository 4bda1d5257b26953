// Bodies of AffineSae.
#include "affine_sae.h"

#include <facet/torch.h>

#include "facet/ops.h"
#include "revive.h"

namespace facet {

std::vector<std::string> words_of(const std::map<std::string, Value>& presets) {
  std::vector<std::string> words = {"none"};
  for (const auto& [word, keys] : presets) words.push_back(word);
  return words;
}

AffineSae::AffineSae(const std::string& type, const AffineForm& form, const Shape& shape,
                     Init& init, const std::string& bias)
    : AffineSae(
          type, form, shape,
          start_weights(form.encoder_start, shape.d_out, form.d_sae, form.decoder_init_norm, init),
          bias) {}

AffineSae::AffineSae(const std::string& type, const AffineForm& form, const Shape& shape,
                     const StartWeights& start, const std::string& bias)
    : form_(form),
      w_dec_(param("W_dec", start.w_dec)),
      w_enc_(param("W_enc", start.w_enc)),
      b_enc_(param(bias, at::full({form.d_sae}, form.encoder_bias ? form.b_enc_start : 0.0,
                                  w_dec_.detach().options()))),
      b_dec_(param("b_dec", at::zeros({shape.d_out}, w_dec_.options()))),
      norm_{form.decoder_norm, form.decoder_norm_every, form.project_gradient,
            form.decoder_norm_over} {
  check_one_hookpoint(type, shape);
  if (form.error_coefficient == 0)
    error_scale_ = buffer("error_scale", at::ones({}, w_dec_.detach().options()));
}

Pass AffineSae::in_units(const Pass& pass) const {
  return form_.error_in == "host" ? in_host_units(pass) : pass;
}

void AffineSae::start(const Batch& first) {
  if (form_.decoder_bias) start_b_dec(form_.b_dec_start, first.input.select(1, 0), b_dec_);
  if (!error_scale_.defined()) return;
  const at::NoGradGuard no_grad;
  Pass pass{{}, first.input, first.target, {}};
  note_host_units(first, pass.notes);
  const Tensor rows = in_units(pass).target.select(1, 0);  // [n, d]
  error_scale_.copy_(1 / (rows - rows.mean(0)).square().mean());
}

Tensor AffineSae::decoder_rows() const {
  return selects_by_norm() ? w_dec_ / row_norms(w_dec_).unsqueeze(1) : w_dec_;
}
Tensor AffineSae::decoder(int64_t) const { return decoder_rows(); }
Tensor AffineSae::threshold() const { return {}; }
bool AffineSae::selects_by_norm() const { return false; }

Tensor AffineSae::decoder_bias() const {
  return form_.decoder_bias ? b_dec_ : at::zeros_like(b_dec_.detach());
}

Dictionary AffineSae::dictionary() const {
  const Tensor b_enc = form_.encoder_bias ? b_enc_ : at::zeros_like(b_enc_.detach());
  return {w_enc_, b_enc, form_.centre && form_.decoder_bias ? b_dec_ : Tensor(), w_dec_};
}

Tensor AffineSae::pre_activations(const Tensor& x) const {
  const Dictionary w = dictionary();
  return ops::pre_activations(x, w.w_enc, w.b_enc, w.b_dec);
}

Pass AffineSae::pass(const Batch& batch, Mode mode) {
  if (mode == Mode::train) norm_.before_pass(w_dec_);
  Pass pass = pass_rows(batch.input.select(1, 0), mode);
  pass.target = batch.target;
  note_host_units(batch, pass.notes);
  return pass;
}

Pass AffineSae::pass_rows(const Tensor& x, Mode mode) {
  Codes codes = encode(x, mode);
  const Tensor output = decode(codes);
  return {std::move(codes), output.unsqueeze(1), {}, {{"input", x}}};
}

Tensor AffineSae::decode(const Codes& codes) {
  return ops::decode(codes, decoder_rows(), decoder_bias());
}

Loss AffineSae::error(const Pass& pass, const Step& step) {
  step_ = step.index;
  Loss loss = error_term(form_.error, in_units(pass), step);
  if (error_scale_.defined())
    loss.value = loss.value * error_scale_;
  else if (form_.error_coefficient != 1)
    loss.value = loss.value * form_.error_coefficient;
  return loss;
}

void AffineSae::add_dead_terms(Losses& losses, const Pass& pass, const Step& step) const {
  if (!step.dead.defined() || (form_.aux_coefficient == 0 && form_.pre_act_coefficient == 0))
    return;
  const Tensor dead = step.dead.nonzero().flatten();
  if (dead.size(0) == 0) return;
  const Dictionary part = dead_part(dictionary(), dead);
  const Tensor& x = pass.notes.at("input");
  if (form_.aux_coefficient > 0) {
    const Pass in = in_units(pass);
    const AuxForm form{form_.aux, form_.aux_coefficient, form_.k_aux, selects_by_norm()};
    const HostUnits units = form_.error_in == "host" ? units_of(pass.notes) : HostUnits();
    losses.push_back(aux_term(form, part, {x, in.output, in.target, decoder_bias(), units}, step));
  }
  if (form_.pre_act_coefficient > 0) {
    const Tensor above = threshold().defined() ? threshold().index_select(0, dead) : Tensor();
    losses.push_back(pre_act_term(form_.pre_act_coefficient, part, above, x, step));
  }
}

void AffineSae::revive(const Tensor& latents, const Batch& batch) {
  revive_latents(latents, batch.target.select(1, 0), w_enc_, b_enc_, b_dec_, w_dec_);
}

bool AffineSae::fold(const RowMap& map) {
  for (const auto& [name, value] : params())
    if (name != "W_dec" && name != "W_enc" && name != "b_enc" && name != "b_dec" &&
        name != "threshold")
      return false;
  if (!form_.decoder_bias) return false;
  return ops::fold_rows(
      map, {w_enc_, form_.encoder_bias ? b_enc_ : Tensor(), w_dec_, b_dec_, form_.centre});
}

void AffineSae::after_backward() { norm_.after_backward(w_dec_); }
void AffineSae::after_step() { norm_.after_step(w_dec_, step_); }

}  // namespace facet
