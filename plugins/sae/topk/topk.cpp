// TopK: each row keeps its k largest latents; AuxK teaches dead latents the residual.
// Source: Gao et al. 2024, "Scaling and evaluating sparse autoencoders", arXiv:2406.04093;
// inference as in SAELens 6.54 (topk_sae.py), training as in dictionary_learning 0.1.0
// (trainers/top_k.py).
#include <facet/plugin.h>
#include <facet/torch.h>

#include <algorithm>

#include "decoder_norm.h"
#include "ranks.h"
#include "start.h"

using namespace facet;

namespace {

struct TopKParams {
  int64_t d_sae = 0;
  int64_t k = 32;
  int64_t infer_k = 0;
  double theta = 0.0;
  int64_t k_aux = 0;
  double aux_coefficient = 1.0 / 32;
  bool unit_norm_decoder = true;
  double decoder_init_norm = 0.1;
  std::string b_dec_start = "geometric_median";
};

Schema<TopKParams> schema() {
  return Schema<TopKParams>()
      .field("d_sae", &TopKParams::d_sae, "Number of latents.", required, at_least(1))
      .field(
          "k", &TopKParams::k,
          "Latents kept per row: the largest pre-activations, then ReLU (Gao et al. 2024, eq. 3).",
          at_least(1))
      .field("infer_k", &TopKParams::infer_k,
             "Latents kept per row once trained; 0 keeps k (RouteSAE's infer_k).", at_least(0))
      .field(
          "theta", &TopKParams::theta,
          "Once trained, keep every pre-activation above theta instead of the k largest; 0 is off "
          "(RouteSAE's theta).",
          at_least(0))
      .field(
          "k_aux", &TopKParams::k_aux,
          "Dead latents per row that reconstruct the residual in the loss auxk; 0 takes d_in / 2 "
          "(Gao et al. 2024, appendix A.2, near d_in / 2).",
          at_least(0))
      .field("aux_coefficient", &TopKParams::aux_coefficient,
             "Weight of auxk, already inside the loss that is reported; 0 leaves it out (1/32 in "
             "Gao et al. "
             "2024, appendix A.2).",
             at_least(0))
      .field("unit_norm_decoder", &TopKParams::unit_norm_decoder,
             "Keep rows of W_dec at norm 1: gradients lose their part along the row, rows are "
             "normalised "
             "after each step (dictionary_learning, trainers/top_k.py).")
      .field("decoder_init_norm", &TopKParams::decoder_init_norm,
             "Norm of the rows of W_dec at the start, when unit_norm_decoder is false (SAELens' "
             "decoder_init_norm).",
             above(0))
      .field("b_dec_start", &TopKParams::b_dec_start,
             "What b_dec is before the first step, from the first batch (geometric median: Gao et "
             "al. 2024, "
             "appendix A.1).",
             one_of(b_dec_words()))
      .check([](const TopKParams& p) {
        return p.k <= p.d_sae ? "" : "k: " + exceeds(p.k, "d_sae", p.d_sae);
      })
      .check([](const TopKParams& p) {
        return p.infer_k <= p.d_sae ? "" : "infer_k: " + exceeds(p.infer_k, "d_sae", p.d_sae);
      })
      .check([](const TopKParams& p) { return p.infer_k == 0 || p.theta == 0; },
             "infer_k and theta exclude each other");
}

class TopK final : public PlainSae {
 public:
  TopK(const TopKParams& p, const Shape& shape, Init& init)
      : p_(p),
        norm_{p.unit_norm_decoder ? "after_step" : "never", 1, p.unit_norm_decoder},
        w_dec_(param("W_dec",
                     init.uniform({p.d_sae, shape.d_out},
                                  p.unit_norm_decoder ? 1.0 : p.decoder_init_norm))),  // [m, d]
        w_enc_(param("W_enc", w_dec_.detach().t())),                                   // [d, m]
        b_enc_(param("b_enc", at::zeros({p.d_sae}, w_dec_.options()))),                // [m]
        b_dec_(param("b_dec", at::zeros({shape.d_out}, w_dec_.options()))) {           // [d]
    check_one_hookpoint("topk", shape);
  }

  void start(const Batch& first) override {
    start_b_dec(p_.b_dec_start, first.input.select(1, 0), b_dec_);
  }

  Codes encode(const Tensor& x, Mode mode) override {
    if (mode == Mode::infer && p_.theta > 0) {
      const Tensor pre = ops::pre_activations(x, w_enc_, b_enc_, b_dec_);  // [n, m]
      return Codes::of(at::where(pre <= p_.theta, at::zeros({}, pre.options()), pre));
    }
    const int64_t k = mode == Mode::infer ? inference_k() : p_.k;
    return ops::encode_topk(x, w_enc_, b_enc_, b_dec_, k);
  }

  Tensor decode(const Codes& codes) override { return ops::decode(codes, w_dec_, b_dec_); }

  Losses losses(const Pass& pass, const Step& step) override {
    const Tensor error = (pass.target - pass.output).select(1, 0);  // [n, d]
    const Tensor n = rows_of_ranks(step, error);
    Losses losses = {{"mse", over_ranks(step, error.square().sum()) / n}};
    if (p_.aux_coefficient > 0 && step.dead.defined()) {
      const Tensor dead = step.dead.nonzero().flatten();  // [dead latents]
      if (dead.size(0) > 0)
        losses.push_back({"auxk", auxk(pass.notes.at("input"), error.detach(), dead, n, step) *
                                      p_.aux_coefficient});
    }
    return losses;
  }

  void after_backward() override { norm_.after_backward(w_dec_); }

  void after_step() override { norm_.after_step(w_dec_, 0); }

  Value saelens() const override {
    if (p_.theta > 0) return {};  // SAELens' topk knows no threshold
    Value cfg;
    cfg.set("architecture", "topk");
    cfg.set("k", inference_k());
    cfg.set("apply_b_dec_to_input", true);
    cfg.set("rescale_acts_by_decoder_norm", false);
    return cfg;
  }

 private:
  int64_t inference_k() const { return p_.infer_k > 0 ? p_.infer_k : p_.k; }

  /// How well the best dead latents reconstruct the error [n, d], as a share of the error's
  /// variance. Only the weights of the dead latents are gathered: nothing here is [n, d_sae].
  /// source: dictionary_learning, trainers/top_k.py, get_auxiliary_loss; no b_dec, the error is a
  /// constant. Differs: an error without variance gives 0, not only where the quotient is NaN.
  Tensor auxk(const Tensor& x, const Tensor& error, const Tensor& dead, const Tensor& n,
              const Step& step) const {
    const int64_t wanted = p_.k_aux > 0 ? p_.k_aux : std::max<int64_t>(1, x.size(1) / 2);
    const Tensor w_enc = w_enc_.t().index_select(0, dead).t();  // [d, dead latents]
    const Codes codes = ops::encode_topk(x, w_enc, b_enc_.index_select(0, dead), b_dec_,
                                         std::min(wanted, dead.size(0)));
    const Tensor left = error - ops::decode(codes, w_dec_.index_select(0, dead), Tensor());
    const Tensor mean = over_ranks(step, error.sum(0)) / n;  // [d]
    const Tensor variance = over_ranks(step, (error - mean).square().sum());
    const Tensor varies = variance > 0;
    return over_ranks(step, left.square().sum()) /
           at::where(varies, variance, at::ones_like(variance)) * varies;
  }

  TopKParams p_;
  DecoderNorm norm_;
  Tensor w_dec_, w_enc_, b_enc_, b_dec_;
};

}  // namespace

FACET_PLUGIN("facet.sae.topk", FACET_VERSION) {
  registry.add_sae<TopK>("topk", "Keeps the k largest latents of each row (arXiv:2406.04093).",
                         schema());
}
