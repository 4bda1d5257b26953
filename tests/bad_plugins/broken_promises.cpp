// SAEs that build and train, each with one property that `facet check` must find missing.
#include <facet/plugin.h>
#include <facet/torch.h>

using namespace facet;

namespace {

enum class Broken { none = 1, slope, resume, sparsity, fold, buffer, shape };

struct BrokenParams {
  int64_t d_sae = 0;
  int64_t k = 4;
};

Schema<BrokenParams> schema(const std::string& help_of_k = "Latents kept per row.") {
  return Schema<BrokenParams>()
      .field("d_sae", &BrokenParams::d_sae, "Number of latents.", required, at_least(1))
      .field("k", &BrokenParams::k, help_of_k, at_least(1));
}

/// TopK but for one thing.
template <Broken kWhat>
class BrokenSae final : public PlainSae {
 public:
  BrokenSae(const BrokenParams& p, const Shape& shape, Init& init)
      : k_(p.k),
        w_dec_(param("W_dec", init.uniform({p.d_sae, shape.d_out}, 1.0))),
        w_enc_(param("W_enc", w_dec_.detach().t())),
        b_enc_(param("b_enc", at::zeros({p.d_sae}))),
        b_dec_(param("b_dec", at::zeros({shape.d_out}))),
        shift_(buffer("shift", at::zeros({}))) {}

  Codes encode(const Tensor& x, Mode mode) override {
    if (mode == Mode::train) {
      batches_ += 1;
      shift_ = shift_ + 0.01;  // another tensor from now on: not the one that is registered
    }
    const Tensor own = kWhat == Broken::buffer ? b_enc_ - shift_ : b_enc_;
    const int64_t more = kWhat == Broken::sparsity && mode == Mode::infer ? 1 : 0;
    return ops::encode_topk(x, w_enc_, own, b_dec_, k_ + more);
  }
  Tensor decode(const Codes& codes) override { return ops::decode(codes, w_dec_, b_dec_); }

  Losses losses(const Pass& pass, const Step& step) override {
    Losses out = {{"mse", mean_squared_error(pass, step)}};
    if (kWhat == Broken::slope)
      out.push_back({"size", (w_dec_.square() * w_dec_.detach().abs()).sum()});
    if (kWhat == Broken::resume) out.push_back({"pull", w_dec_.square().sum() * batches_});
    return out;
  }
  bool fold(const RowMap& map) override {
    if (kWhat != Broken::fold) return ops::fold_rows(map, {w_enc_, b_enc_, w_dec_, b_dec_});
    return ops::fold_rows(map, {w_enc_, b_enc_, w_dec_, b_dec_, false});  // it is centred
  }
  Tensor decoder(int64_t) const override { return kWhat == Broken::shape ? w_dec_.t() : w_dec_; }

 private:
  int64_t k_;
  Tensor w_dec_, w_enc_, b_enc_, b_dec_, shift_;
  int64_t batches_ = 0;
};

}  // namespace

FACET_PLUGIN("org.example.broken-promises", "1.0.0") {
  const auto add = [&]<Broken kWhat>(const std::string& name, const std::string& help_of_k) {
    registry.add_sae<BrokenSae<kWhat>>(name, "TopK but for one thing.", schema(help_of_k));
  };
  add.operator()<Broken::none>("sound", "Latents kept per row.");
  add.operator()<Broken::none>("undocumented", "");
  add.operator()<Broken::slope>("slope", "Latents kept per row.");
  add.operator()<Broken::resume>("resume", "Latents kept per row.");
  add.operator()<Broken::sparsity>("sparsity", "Latents kept per row.");
  add.operator()<Broken::fold>("fold", "Latents kept per row.");
  add.operator()<Broken::buffer>("buffer", "Latents kept per row.");
  add.operator()<Broken::shape>("shape", "Latents kept per row.");
}
