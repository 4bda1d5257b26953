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

namespace {

void check_shape(const std::string& type, const AffineForm& form, const Shape& shape) {
  const std::string start = "sae: " + type + ": ";
  if (!shape.transcodes) {
    check_one_hookpoint(type, shape);
    if (form.skip)
      throw UserError(start + "skip: needs a target of another hookpoint (activations.target)");
    return;
  }
  if (shape.points_in != 1 || shape.points_out != 1)
    throw UserError(start + "maps one hookpoint to one: is given " +
                    std::to_string(shape.points_in) + " and a target of " +
                    std::to_string(shape.points_out));
  if (form.tied && shape.d_in != shape.d_out)
    throw UserError(start + "tied: needs a target as wide as the input: they are " +
                    std::to_string(shape.d_in) + " and " + std::to_string(shape.d_out) + " wide");
}

}  // namespace

AffineSae::AffineSae(const std::string& type, const AffineForm& form, const Shape& shape,
                     Init& init, const std::string& bias)
    : AffineSae(type, form, shape,
                start_weights({form.encoder_start, form.decoder_start, form.decoder_init_norm},
                              shape, form.d_sae, init),
                bias) {}

AffineSae::AffineSae(const std::string& type, const AffineForm& form, const Shape& shape,
                     const StartWeights& start, const std::string& bias)
    : form_(form),
      transcodes_(shape.transcodes),
      w_dec_(param("W_dec", start.w_dec)),
      b_enc_(param(bias, at::full({form.d_sae}, form.encoder_bias ? form.b_enc_start : 0.0,
                                  w_dec_.detach().options()))),
      b_dec_(param("b_dec", at::zeros({shape.d_out}, w_dec_.options()))),
      norm_{form.decoder_norm, form.decoder_norm_every, form.project_gradient,
            form.decoder_norm_over, form.decoder_norm_first} {
  check_shape(type, form, shape);
  if (!form.tied) w_enc_ = param("W_enc", start.w_enc);
  if (form.skip) w_skip_ = param("W_skip", at::zeros({shape.d_out, shape.d_in}, w_dec_.options()));
  if (form.error_coefficient == 0)
    error_scale_ = buffer("error_scale", at::ones({}, w_dec_.detach().options()));
}

Pass AffineSae::in_units(const Pass& pass) const {
  return form_.error_in == "host" ? in_host_units(pass) : pass;
}

void AffineSae::start(const Batch& first) {
  const at::NoGradGuard no_grad;
  if (form_.decoder_bias) start_b_dec(form_.b_dec_start, first.target.select(1, 0), b_dec_);
  if (form_.b_enc_centred)
    b_enc_.sub_(pre_activations_of(first.input.select(1, 0).mean(0, true)).squeeze(0) - b_enc_);
  if (!error_scale_.defined()) return;
  Pass pass{{}, first.target, first.target, {}};
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
bool AffineSae::ranks_by_magnitude() const { return false; }

Tensor AffineSae::decoder_bias() const {
  return form_.decoder_bias ? b_dec_ : at::zeros_like(b_dec_.detach());
}

Tensor AffineSae::silent_output(const Tensor& x) const {
  return w_skip_.defined() ? at::addmm(decoder_bias(), x, w_skip_.t()) : decoder_bias();
}

bool AffineSae::centres() const {
  return form_.decoder_bias && (transcodes_ ? form_.centre_across : form_.centre);
}

Tensor AffineSae::w_enc() const { return form_.tied ? w_dec_.t() : w_enc_; }

Dictionary AffineSae::dictionary() const {
  const Tensor b_enc = form_.encoder_bias ? b_enc_ : at::zeros_like(b_enc_.detach());
  return {w_enc(), b_enc, centres() ? b_dec_ : Tensor(), w_dec_};
}

Dictionary AffineSae::ranked() const {
  Dictionary w = dictionary();
  if (!selects_by_norm()) return w;
  const Tensor norm = row_norms(w_dec_);
  w.w_enc = w.w_enc * norm;
  w.b_enc = w.b_enc * norm;
  return w;
}

bool AffineSae::ranks_by_parameters() const { return !form_.tied && !selects_by_norm(); }

bool AffineSae::is_plain() const { return form_.infer_k == 0 && form_.theta == 0 && !form_.tied; }

bool AffineSae::infers_otherwise(Mode mode) const {
  return mode == Mode::infer && (form_.infer_k > 0 || form_.theta > 0);
}

Codes AffineSae::inferred(const Tensor& activations) const {
  if (form_.infer_k > 0) return ops::keep_topk(activations, form_.infer_k, ops::Negatives::kept);
  const Tensor none = at::zeros({}, activations.options());
  return Codes::of(at::where(activations <= form_.theta, none, activations));
}

std::optional<InferenceForm> AffineSae::untied_form() const { return std::nullopt; }

InferenceForm AffineSae::plain_form(const std::string& type) const {
  const Tensor norm = selects_by_norm() ? row_norms(w_dec_) : at::ones_like(b_enc_.detach());
  InferenceForm out{type,
                    Value::Table{{"d_sae", form_.d_sae},
                                 {"centre", centres()},
                                 {"centre_across", centres()},
                                 {"skip", form_.skip}},
                    {{"W_dec", w_dec_ / norm.unsqueeze(1)},
                     {"W_enc", w_enc() * norm},
                     {"b_enc", dictionary().b_enc * norm},
                     {"b_dec", decoder_bias()}}};
  if (w_skip_.defined()) out.tensors.emplace_back("W_skip", w_skip_);
  return out;
}

std::optional<InferenceForm> AffineSae::inference_form() const {
  if (form_.infer_k == 0 && form_.theta == 0) return form_.tied ? untied_form() : std::nullopt;
  InferenceForm out = plain_form(form_.infer_k > 0 ? "topk" : "jumprelu");
  if (form_.infer_k > 0)
    out.params.set("k", form_.infer_k);
  else
    out.tensors.emplace_back("threshold", at::full_like(b_enc_.detach(), form_.theta));
  return out;
}

std::string AffineSae::saelens_architecture(const std::string& plain) const {
  if (!transcodes_) return plain;
  const std::string start = plain == "standard" ? "" : plain + "_";
  return start + (form_.skip ? "skip_transcoder" : "transcoder");
}

Tensor AffineSae::pre_activations_of(const Tensor& x) const {
  const Dictionary w = dictionary();
  return ops::pre_activations(x, w.w_enc, w.b_enc, w.b_dec);
}

Tensor AffineSae::pre_activations(const Tensor& x) {
  if (x.size(1) != 1)
    throw UserError("sae: pre_activations: it chooses among " + std::to_string(x.size(1)) +
                    " hookpoints by itself, so a row has none before it is coded");
  return pre_activations_of(x.select(1, 0));
}

Pass AffineSae::pass(const Batch& batch, Mode mode) {
  if (mode == Mode::train) norm_.before_pass(w_dec_);
  const Tensor x = batch.input.select(1, 0);
  Pass pass = pass_rows(x, mode);
  if (w_skip_.defined()) pass.output = pass.output + x.matmul(w_skip_.t()).unsqueeze(1);
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
    const AuxForm form{form_.aux, form_.aux_coefficient, form_.k_aux, selects_by_norm(),
                       ranks_by_magnitude()};
    const HostUnits units = form_.error_in == "host" ? units_of(pass.notes) : HostUnits();
    losses.push_back(aux_term(form, part, {x, in.output, in.target, decoder_bias(), units}, step));
  }
  if (form_.pre_act_coefficient > 0) {
    const Tensor above = threshold().defined() ? threshold().index_select(0, dead) : Tensor();
    losses.push_back(pre_act_term(form_.pre_act_coefficient, part, above, x, step));
  }
}

void AffineSae::revive(const Tensor& latents, const Batch& batch) {
  revive_latents(latents, {batch.input.select(1, 0), batch.target.select(1, 0), centres()},
                 {w_enc_, b_enc_, b_dec_, w_dec_});
}

bool AffineSae::fold(const RowMap& map) {
  for (const auto& [name, value] : params())
    if (name != "W_dec" && name != "W_enc" && name != "b_enc" && name != "b_dec" &&
        name != "threshold" && name != "log_threshold")
      return false;
  if (!form_.decoder_bias || form_.tied || transcodes_) return false;
  if (selects_by_norm() && form_.theta > 0) return false;  // codes are in the rows' units there
  return ops::fold_rows(
      map, {w_enc_, form_.encoder_bias ? b_enc_ : Tensor(), w_dec_, b_dec_, form_.centre});
}

bool AffineSae::row_gradients() const { return form_.decoder_norm_over == "rows"; }
void AffineSae::after_backward() { norm_.after_backward(w_dec_); }
void AffineSae::after_step() { norm_.after_step(w_dec_, step_); }

}  // namespace facet
