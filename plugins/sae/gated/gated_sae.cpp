// Bodies of GatedSae.
#include "gated_sae.h"

#include <facet/torch.h>

#include "facet/ops.h"

namespace facet {

std::vector<std::string> via_gate_words() { return {"detached", "attached", "none"}; }
std::vector<std::string> sparsity_on_words() { return {"gate", "codes"}; }

GatedSae::GatedSae(const std::string& type, const GatedForm& form, const Shape& shape, Init& init)
    : AffineSae(type, form, shape, init, "b_gate"),
      gated_(form),
      r_mag_(param("r_mag", at::zeros_like(b_enc_.detach()))),
      b_mag_(param("b_mag", at::zeros_like(b_enc_.detach()))) {}

ops::Gated GatedSae::coded(const Tensor& x) const {
  const Dictionary w = dictionary();
  return ops::gate(ops::pre_activations(x, w.w_enc, Tensor(), w.b_dec), w.b_enc, r_mag_, b_mag_);
}

Codes GatedSae::encode(const Tensor& x, Mode mode) {
  ops::Gated z = coded(x);
  return infers_otherwise(mode) ? inferred(z.active) : std::move(z.codes);
}

Pass GatedSae::pass_rows(const Tensor& x, Mode mode) {
  ops::Gated z = coded(x);
  Codes codes = infers_otherwise(mode) ? inferred(z.active) : std::move(z.codes);
  const Tensor kept = infers_otherwise(mode) ? codes.dense() : z.active;
  const Tensor output = ops::affine(kept, w_dec_, decoder_bias());
  return {std::move(codes),
          output.unsqueeze(1),
          {},
          {{"input", x}, {"passed", z.passed}, {"sum", z.sum}, {"active", z.active}}};
}

Losses GatedSae::losses(const Pass& pass, const Step& step) {
  Losses losses = {error(pass, step)};
  const bool on_gate = gated_.sparsity_on == "gate";
  const Tensor& z = pass.notes.at(on_gate ? "passed" : "active");
  const Tensor sums = on_gate ? pass.notes.at("sum") : Tensor();
  for (Loss& loss : sparsity_terms(z, sums, step)) losses.push_back(std::move(loss));
  if (gated_.via_gate != "none") losses.push_back(via_gate(pass, step));
  add_dead_terms(losses, pass, step);
  return losses;
}

Loss GatedSae::via_gate(const Pass& pass, const Step& step) {
  const bool attached = gated_.via_gate == "attached";
  const auto held = [&](const Tensor& t) { return attached ? t : t.detach(); };
  Pass by_gate = pass;
  by_gate.output = (ops::affine(pass.notes.at("passed"), held(w_dec_), Tensor()) +
                    held(silent_output(pass.notes.at("input"))))
                       .unsqueeze(1);
  return {"via_gate", error(by_gate, step).value};
}

bool GatedSae::fold(const RowMap& map) {
  if (!form_.decoder_bias || form_.tied || transcodes_) return false;
  const at::NoGradGuard no_grad;
  const Tensor shift = at::zeros_like(b_enc_.detach());
  const Tensor moved = form_.encoder_bias ? shift : Tensor();
  if (!ops::fold_rows(map, {w_enc(), moved, w_dec_, b_dec_, form_.centre})) return false;
  b_enc_ += shift;
  b_mag_ += shift * r_mag_.exp();
  return true;
}

void GatedSae::revive(const Tensor& latents, const Batch& batch) {
  const at::NoGradGuard no_grad;
  AffineSae::revive(latents, batch);
  b_mag_.index_fill_(0, latents, 0);
  r_mag_.index_fill_(0, latents, 0);
}

std::vector<std::string> GatedSae::estimated() const {
  if (gated_.via_gate == "detached") return {"via_gate"};
  return {};
}

Value GatedSae::saelens() const {
  if (!is_plain() || transcodes_) return {};
  return Value::Table{{"architecture", "gated"}, {"apply_b_dec_to_input", centres()}};
}

std::optional<InferenceForm> GatedSae::inference_form() const {
  if (form_.infer_k > 0 || form_.theta > 0 || !form_.tied) return std::nullopt;
  InferenceForm out = plain_form("gated");
  for (auto& [name, value] : out.tensors)
    if (name == "b_enc") name = "b_gate";
  out.tensors.emplace_back("r_mag", r_mag_);
  out.tensors.emplace_back("b_mag", b_mag_);
  return out;
}

}  // namespace facet
