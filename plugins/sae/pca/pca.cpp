// pca: the first k principal components of the training rows, a baseline of reconstruction.
#include <facet/plugin.h>
#include <facet/torch.h>

using namespace facet;

namespace {

struct PcaParams {
  int64_t k = 0;
};

Schema<PcaParams> schema() {
  return Schema<PcaParams>().field("k", &PcaParams::k,
                                   "Components kept, those of largest variance; also the number of "
                                   "latents, at most the width of the rows.",
                                   required, at_least(1));
}

/// Codes are coordinates with their sign. While it is trained it gathers sums and reconstructs the
/// mean row; finish() works the components out.
class Pca final : public PlainSae {
 public:
  Pca(const PcaParams& p, const Shape& shape, Init& init)
      : w_dec_(param("W_dec", zeros({p.k, shape.d_out}, init, at::kFloat))),  // [k, d]
        w_enc_(param("W_enc", zeros({shape.d_in, p.k}, init, at::kFloat))),   // [d, k]
        b_dec_(param("b_dec", zeros({shape.d_out}, init, at::kFloat))),       // [d]
        rows_(buffer("rows", zeros({}, init, at::kDouble), Merge::sum)),
        sum_(buffer("sum", zeros({shape.d_in}, init, at::kDouble), Merge::sum)),
        products_(
            buffer("products", zeros({shape.d_in, shape.d_in}, init, at::kDouble), Merge::sum)) {
    check_one_hookpoint("pca", shape);
    if (p.k > shape.d_in) throw UserError("sae.k: " + exceeds(p.k, "d_in", shape.d_in));
  }

  Codes encode(const Tensor& x, Mode mode) override {
    if (mode == Mode::train) gather(x.detach());
    return Codes::of(at::matmul(x - b_dec_.detach(), w_enc_.detach()));
  }
  Tensor decode(const Codes& codes) override {
    return ops::decode(codes, w_dec_.detach(), b_dec_.detach());
  }
  Losses losses(const Pass& pass, const Step& step) override {
    return {{"mse", mean_squared_error(pass, step)}};
  }

  bool fold(const RowMap& map) override {
    return ops::fold_rows(map, {w_enc_, {}, w_dec_, b_dec_});
  }

  /// source: Pearson 1901; the sign makes the largest weight of each component positive, as in
  /// scikit-learn's svd_flip.
  void finish() override {
    if (rows_.item<double>() == 0) return;
    const Tensor mean = sum_ / rows_;  // [d]
    const Tensor covariance = (products_ / rows_ - at::outer(mean, mean)).cpu();
    const auto [variances, vectors] = at::linalg_eigh(covariance);     // ascending; columns
    const Tensor first = vectors.flip(1).slice(1, 0, w_enc_.size(1));  // [d, k]
    const Tensor largest = first.gather(0, first.abs().argmax(0, true));
    w_enc_.copy_(first * largest.sign());
    w_dec_.copy_(w_enc_.t());
    b_dec_.copy_(mean);
  }

 private:
  static Tensor zeros(std::vector<int64_t> sizes, const Init& init, at::ScalarType type) {
    return at::zeros(sizes, at::TensorOptions().dtype(type).device(init.device()));
  }

  void gather(const Tensor& x) {
    const at::NoGradGuard no_grad;
    const Tensor wide = x.to(at::kDouble);
    rows_.add_(static_cast<double>(x.size(0)));
    sum_.add_(wide.sum(0));
    products_.addmm_(wide.t(), wide);
    b_dec_.copy_(sum_ / rows_);
  }

  Tensor w_dec_, w_enc_, b_dec_;
  Tensor rows_, sum_, products_;  // [], [d], [d, d] float64
};

}  // namespace

FACET_PLUGIN("facet.sae.pca", FACET_VERSION) {
  registry.add_sae<Pca>("pca", "The first principal components of the rows: a baseline.", schema());
}
