// BatchTopK: a batch of n rows keeps its n * k largest activations, wherever they are; a learnt
// threshold stands in for the batch afterwards. Source: Bussmann, Leask and Nanda 2024, "BatchTopK
// Sparse Autoencoders", arXiv:2412.06410, section 3.
#include <facet/plugin.h>
#include <facet/torch.h>

using namespace facet;

namespace {

constexpr double kThresholdShare = 0.01;  // of the newest batch in the running threshold

struct BatchTopKParams {
  int64_t d_sae = 0;
  int64_t k = 32;
};

Schema<BatchTopKParams> schema() {
  return Schema<BatchTopKParams>()
      .field("d_sae", &BatchTopKParams::d_sae, "Number of latents.", required, at_least(1))
      .field("k", &BatchTopKParams::k, "Latents kept per row, on average over a batch.",
             at_least(1))
      .check([](const BatchTopKParams& p) {
        return p.k > p.d_sae ? "k: " + exceeds(p.k, "d_sae", p.d_sae) : std::string();
      });
}

class BatchTopK final : public PlainSae {
 public:
  BatchTopK(const BatchTopKParams& p, const Shape& shape, Init& init)
      : k_(p.k),
        w_dec_(param("W_dec", init.uniform({p.d_sae, shape.d_out}, 1.0))),
        w_enc_(param("W_enc", w_dec_.detach().t().contiguous())),
        b_enc_(param("b_enc", torch::zeros({p.d_sae}))),
        b_dec_(param("b_dec", torch::zeros({shape.d_out}))),
        threshold_(buffer("threshold", torch::zeros({}))) {}

  Codes encode(const Tensor& x, Mode mode) override {
    const Tensor active = ops::pre_activations(x, w_enc_, b_enc_, b_dec_).relu();  // [n, d_sae]
    if (mode == Mode::infer) return Codes::of(active * (active > threshold_));
    const Tensor kept = std::get<0>(active.detach().flatten().topk(k_ * x.size(0)));  // [n * k]
    const Tensor least = kept[-1];
    follow(least);
    return Codes::of(active * (active >= least));
  }

  Tensor decode(const Codes& codes) override { return ops::decode(codes, w_dec_, b_dec_); }

  Losses losses(const Pass& pass, const Step&) override {
    return {{"mse", (pass.output - pass.target).pow(2).sum({1, 2}).mean()}};
  }

 private:
  // The running mean of the smallest kept activation; the first batch sets it.
  void follow(const Tensor& least) {
    const Tensor next =
        torch::where(threshold_ > 0, threshold_.lerp(least, kThresholdShare), least);
    threshold_.copy_(next);
  }

  int64_t k_;
  Tensor w_dec_, w_enc_, b_enc_, b_dec_, threshold_;
};

}  // namespace

FACET_PLUGIN("org.example.batch-topk", "1.0.0") {
  registry.add_sae<BatchTopK>("example_batch_topk",
                              "The largest activations of a whole batch (arXiv:2412.06410).",
                              schema());
}
