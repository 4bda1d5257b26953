// random: fixed random directions, the baseline that tells what training added.
#include <facet/plugin.h>
#include <facet/torch.h>

using namespace facet;

namespace {

struct RandomParams {
  int64_t d_sae = 0;
  int64_t k = 32;
};

Schema<RandomParams> schema() {
  return Schema<RandomParams>()
      .field("d_sae", &RandomParams::d_sae, "Number of latents.", required, at_least(1))
      .field("k", &RandomParams::k, "Latents kept per row, the largest, then ReLU.", at_least(1))
      .check([](const RandomParams& p) {
        return p.k <= p.d_sae ? "" : "k: " + exceeds(p.k, "d_sae", p.d_sae);
      });
}

/// TopK over unit directions that are drawn once and never move. Found from the rows are only
/// b_dec, their mean, and one factor of W_dec: the one that makes the squared error least.
class Random final : public PlainSae {
 public:
  Random(const RandomParams& p, const Shape& shape, Init& init)
      : k_(p.k),
        w_dec_(param("W_dec", init.uniform({p.d_sae, shape.d_out}, 1.0))),   // [m, d]
        w_enc_(param("W_enc", w_dec_.detach().t())),                         // [d, m]
        b_enc_(param("b_enc", at::zeros({p.d_sae}, w_dec_.options()))),      // [m]
        b_dec_(param("b_dec", at::zeros({shape.d_out}, w_dec_.options()))),  // [d]
        rows_(buffer("rows", wide_zeros({}), Merge::sum)),
        sum_(buffer("sum", wide_zeros({shape.d_in}), Merge::sum)),
        match_(buffer("match", wide_zeros({}), Merge::sum)),
        energy_(buffer("energy", wide_zeros({}), Merge::sum)) {
    check_one_hookpoint("random", shape);
  }

  Codes encode(const Tensor& x, Mode mode) override {
    if (mode == Mode::train) gather(x.detach());
    return ops::encode_topk(x, w_enc_.detach(), b_enc_.detach(), b_dec_.detach(), k_);
  }
  Tensor decode(const Codes& codes) override {
    return ops::decode(codes, w_dec_.detach(), b_dec_.detach());
  }
  Losses losses(const Pass& pass, const Step& step) override {
    return {{"mse", mean_squared_error(pass, step)}};
  }

  bool fold(const RowMap& map) override {
    return ops::fold_rows(map, {w_enc_, b_enc_, w_dec_, b_dec_, true});
  }

  Value saelens() const override {
    return Value::Table{{"architecture", "topk"},
                        {"k", k_},
                        {"apply_b_dec_to_input", true},
                        {"rescale_acts_by_decoder_norm", false}};
  }

 private:
  Tensor wide_zeros(std::vector<int64_t> sizes) const {
    return at::zeros(sizes, w_dec_.options().dtype(at::kDouble).requires_grad(false));
  }

  // b_dec from all rows so far; the factor from all rows so far, each coded with the b_dec of its
  // time.
  void gather(const Tensor& x) {
    const at::NoGradGuard no_grad;
    rows_.add_(static_cast<double>(x.size(0)));
    sum_.add_(x.to(at::kDouble).sum(0));
    b_dec_.copy_(sum_ / rows_);
    const Tensor unit = w_enc_.t();  // [m, d]
    const Tensor plain = ops::decode(ops::encode_topk(x, w_enc_, b_enc_, b_dec_, k_), unit, {});
    match_.add_(((x - b_dec_) * plain).sum(at::kDouble));
    energy_.add_(plain.square().sum(at::kDouble));
    w_dec_.copy_(unit * at::where(energy_ > 0, match_ / energy_, at::ones_like(energy_)));
  }

  int64_t k_;
  Tensor w_dec_, w_enc_, b_enc_, b_dec_;
  Tensor rows_, sum_, match_, energy_;  // [], [d], [], [] float64
};

}  // namespace

FACET_PLUGIN("facet.sae.random", FACET_VERSION) {
  registry.add_sae<Random>("random", "The k largest of fixed random directions: a baseline.",
                           schema());
}
