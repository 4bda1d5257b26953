// A TopK SAE of a few lines, for tests of what happens around an SAE.
#pragma once

#include <facet/torch.h>

#include <string>

#include "facet/plugin.h"

namespace facet {

struct SmallParams {
  int64_t d_sae = 8;
  int64_t k = 2;
  bool known_to_saelens = true;
};

inline Schema<SmallParams> small_schema() {
  return Schema<SmallParams>()
      .field("d_sae", &SmallParams::d_sae, "Number of latents.", at_least(1))
      .field("k", &SmallParams::k, "Latents kept per row.", at_least(1))
      .field("known_to_saelens", &SmallParams::known_to_saelens, "Whether SAELens has it.")
      .check([](const SmallParams& p) { return p.k <= p.d_sae; }, "k must not exceed d_sae");
}

class SmallSae final : public PlainSae {
 public:
  SmallSae(const SmallParams& p, const Shape& shape, Init& init)
      : p_(p),
        w_dec_(param("W_dec", init.uniform({p.d_sae, shape.d_out}, 1.0))),
        w_enc_(param("W_enc",
                     w_dec_.detach().clone().t())),  // [d, m], a latent's weights side by side
        b_enc_(param("b_enc", torch::zeros({p.d_sae}))),
        b_dec_(param("b_dec", torch::zeros({shape.d_out}))),
        steps_(buffer("steps", torch::zeros({}, torch::kFloat64))) {}

  void start(const Batch& first) override {
    b_dec_.copy_(first.input.select(1, 0).mean(0));
    ++starts;
  }
  Codes encode(const Tensor& x, Mode) override {
    return ops::encode_topk(x, w_enc_, b_enc_, b_dec_, p_.k);
  }
  Tensor decode(const Codes& codes) override { return ops::decode(codes, w_dec_, b_dec_); }
  Losses losses(const Pass& pass, const Step& step) override {
    dead_seen = step.dead.sum().item<int64_t>();
    Losses out = {{"mse", (pass.output - pass.target).square().sum(-1).mean()}};
    if (spoil_loss) out.push_back({"other", out[0].value * NAN});
    if (spoil_gradient)
      out[0].value = out[0].value + w_dec_.sub(w_dec_.detach()).abs().sqrt().sum();
    return out;
  }
  bool row_gradients() const override { return by_row; }
  bool rows_may_wait() const override { return waits; }
  void after_step() override { steps_.add_(1); }
  Value saelens() const override {
    if (!p_.known_to_saelens) return {};
    return Value::Table{
        {"architecture", "topk"}, {"k", p_.k}, {"rescale_acts_by_decoder_norm", false}};
  }

  int starts = 0;
  int64_t dead_seen = 0;
  bool spoil_loss = false;
  bool spoil_gradient = false;
  bool by_row = false;
  bool waits = false;

 private:
  SmallParams p_;
  Tensor w_dec_, w_enc_, b_enc_, b_dec_, steps_;
};

inline std::unique_ptr<SmallSae> small_sae(const SmallParams& params = {}, uint64_t seed = 1,
                                           int64_t width = 4) {
  Init init(seed);
  return std::make_unique<SmallSae>(params, Shape{1, 1, width, width}, init);
}

}  // namespace facet
