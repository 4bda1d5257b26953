// relu: every positive pre-activation is a latent; a penalty on their sum keeps few of them.
// Source: Bricken et al. 2023, "Towards Monosemanticity"; the forms of its peers by `compat`.
#include <facet/plugin.h>
#include <facet/torch.h>

#include "decoder_norm.h"
#include "start.h"
#include "terms.h"

using namespace facet;

namespace {

struct ReluParams {
  std::string compat;
  int64_t d_sae = 0;
  double l1_coefficient = 1e-3;
  std::string error = "mse";
  std::string l1 = "l1";
  bool centre = true;
  std::string decoder_norm = "after_step";
  int64_t decoder_norm_every = 1;
  bool project_gradient = true;
  double decoder_init_norm = 1.0;
  std::string b_dec_start = "zero";
};

// What each peer's trainer does; source: the files named in parts/.
std::map<std::string, Value> peer_forms() {
  const auto routesae = [](int64_t every) {
    return Value::Table{{"error", "nmse"},
                        {"l1", "l1_by_element"},
                        {"l1_coefficient", 5e-4},
                        {"decoder_norm_every", every},
                        {"project_gradient", false}};
  };
  return {{"saelens", Value::Table{{"l1", "l1_weighted"},
                                   {"decoder_norm", "never"},
                                   {"project_gradient", false},
                                   {"decoder_init_norm", 0.1}}},
          {"dictionary_learning", Value::Table{{"l1_coefficient", 0.1}}},
          {"routesae", routesae(10)},
          {"routesae_repro", routesae(100)},
          {"interplm", Value::Table{{"error", "l2_loss"}}}};
}

Schema<ReluParams> schema() {
  using P = ReluParams;
  return Schema<P>()
      .field("compat", &P::compat, "Stands for the form of a peer; keys that are set win.",
             one_of({"saelens", "dictionary_learning", "routesae", "routesae_repro", "interplm"}))
      .presets("compat", peer_forms())
      .field("d_sae", &P::d_sae, "Number of latents.", required, at_least(1))
      .field("l1_coefficient", &P::l1_coefficient,
             "Weight of the L1 term, already inside the loss that is reported.", at_least(0))
      .field("error", &P::error,
             "The error term: mse sums over the width, mse_by_element is its mean, nmse is a share "
             "of each row's energy, l2_loss is the mean length of the error.",
             one_of(error_words()))
      .field("l1", &P::l1,
             "The L1 term: l1 sums over latents, l1_weighted weighs each by the norm of its row of "
             "W_dec, l1_by_element is the mean over latents.",
             one_of(l1_words()))
      .field("centre", &P::centre, "Subtract b_dec before encoding.")
      .field("decoder_norm", &P::decoder_norm, "When rows of W_dec are set to norm 1.",
             one_of(decoder_norm_words()))
      .field("decoder_norm_every", &P::decoder_norm_every,
             "With decoder_norm = after_step: every so many steps.", at_least(1), unit("steps"))
      .field("project_gradient", &P::project_gradient,
             "Take from the gradient of each row of W_dec its part along the row.")
      .field("decoder_init_norm", &P::decoder_init_norm, "Norm of the rows of W_dec at the start.",
             above(0))
      .field("b_dec_start", &P::b_dec_start,
             "What b_dec is before the first step, from the first batch.", one_of(b_dec_words()));
}

class Relu final : public PlainSae {
 public:
  Relu(const ReluParams& p, const Shape& shape, Init& init)
      : p_(p),
        norm_{p.decoder_norm, p.decoder_norm_every, p.project_gradient},
        w_dec_(
            param("W_dec", init.uniform({p.d_sae, shape.d_out}, p.decoder_init_norm))),  // [m, d]
        w_enc_(param("W_enc", w_dec_.detach().t())),                                     // [d, m]
        b_enc_(param("b_enc", at::zeros({p.d_sae}, w_dec_.options()))),                  // [m]
        b_dec_(param("b_dec", at::zeros({shape.d_out}, w_dec_.options()))) {             // [d]
    check_one_hookpoint("relu", shape);
  }

  void start(const Batch& first) override {
    start_b_dec(p_.b_dec_start, first.input.select(1, 0), b_dec_);
  }

  // Codes are dense here, so matrix products are faster than sums over entries.
  Pass pass(const Batch& batch, Mode) override {
    const Tensor x = batch.input.select(1, 0);  // [n, d]
    const Tensor z = active(x);
    const Tensor output = at::addmm(b_dec_, z, w_dec_);
    return {Codes::of(z), output.unsqueeze(1), batch.target, {{"input", x}, {"active", z}}};
  }
  Codes encode(const Tensor& x, Mode) override { return Codes::of(active(x)); }
  Tensor decode(const Codes& codes) override { return ops::decode(codes, w_dec_, b_dec_); }

  Losses losses(const Pass& pass, const Step& step) override {
    step_ = step.index;
    Losses losses = {error_term(p_.error, pass, step)};
    if (p_.l1_coefficient > 0)
      losses.push_back(l1_term(p_.l1, p_.l1_coefficient, pass.notes.at("active"), w_dec_, step));
    return losses;
  }

  void after_backward() override { norm_.after_backward(w_dec_); }
  void after_step() override { norm_.after_step(w_dec_, step_); }

  Value saelens() const override {
    return Value::Table{{"architecture", "standard"}, {"apply_b_dec_to_input", p_.centre}};
  }

 private:
  Tensor active(const Tensor& x) const {
    return ops::pre_activations(x, w_enc_, b_enc_, p_.centre ? b_dec_ : Tensor()).relu();
  }

  ReluParams p_;
  DecoderNorm norm_;
  int64_t step_ = 0;  // of the last losses()
  Tensor w_dec_, w_enc_, b_enc_, b_dec_;
};

}  // namespace

FACET_PLUGIN("facet.sae.relu", FACET_VERSION) {
  registry.add_sae<Relu>("relu", "Every positive latent, few by an L1 penalty.", schema());
}
