// identity: the host's neurons as they are, the baseline of every claim that latents are clearer.
#include <facet/plugin.h>
#include <facet/torch.h>

using namespace facet;

namespace {

/// Latent i is number i of the row, its sign kept, so that the way back is exact. What asks whether
/// a latent fires (value > 0) sees the positive half of a neuron.
class Identity final : public PlainSae {
 public:
  Identity(const NoParams&, const Shape& shape, Init& init) {
    check_one_hookpoint("identity", shape);
    decoder_ = at::eye(shape.d_in, at::TensorOptions().device(init.device()));
  }

  Codes encode(const Tensor& x, Mode) override { return Codes::of(x); }
  Tensor decode(const Codes& codes) override { return codes.dense(); }
  Losses losses(const Pass& pass, const Step& step) override {
    return {{"mse", mean_squared_error(pass, step)}};
  }
  Tensor decoder(int64_t) const override { return decoder_; }

 private:
  Tensor decoder_;  // [d, d]
};

}  // namespace

FACET_PLUGIN("facet.sae.identity", FACET_VERSION) {
  registry.add_sae<Identity>("identity", "The host's neurons as they are: a baseline.",
                             Schema<NoParams>());
}
