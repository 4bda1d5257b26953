// constant_norm: each row scaled to one and the same norm.
#include <facet/torch.h>

#include <cmath>

#include "activations/normalisers.h"

namespace facet {
namespace {

/// x * c with c = sqrt(d) / |x|, each row by its own c, which the way back divides by. A row of
/// zeros stays as it is (SAELens makes it NaN).
/// source: SAELens 6.54, sae.py, run_time_activation_norm_fn_in ("constant_norm_rescale")
class ConstantNorm final : public Normaliser {
 public:
  explicit ConstantNorm(const NoParams&) {}

  Tensor apply(const Tensor& x, Stats& stats) const override {
    const Tensor wide = x.to(torch::kFloat32);
    const Tensor norm = wide.norm(2, {-1}, true);  // [n, points, 1]
    const double target = std::sqrt(static_cast<double>(x.size(-1)));
    const Tensor scale = torch::where(norm == 0, torch::ones_like(norm), target / norm);
    stats["scale"] = scale;
    return wide * scale;
  }
  Tensor invert(const Tensor& x, const Stats& stats) const override {
    return x.to(torch::kFloat32) / stats.at("scale");
  }
  std::string saelens_name() const override { return "constant_norm_rescale"; }
};

}  // namespace

void add_constant_norm(Registry& registry) {
  registry.add_normaliser<ConstantNorm>(
      "constant_norm",
      "Each row scaled to norm sqrt(d) by its own number (SAELens' constant_norm_rescale).",
      Schema<NoParams>());
}

}  // namespace facet
