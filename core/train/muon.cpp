// Muon: momentum made orthogonal.
#include <facet/torch.h>

#include <algorithm>
#include <cmath>

#include "train/trainer.h"
#include "train/update_rule.h"

namespace facet {
namespace {

constexpr double kSlope = 3.4445, kCubic = -4.7750, kQuintic = 2.0315;  // muon.py
constexpr int kRounds = 5;
constexpr double kLeastNorm = 1e-7;

// Summed in float32, as a bfloat16 product is; LibTorch's own may differ between processors.
Tensor bfloat16_product(const Tensor& a, const Tensor& b) {
  return a.to(torch::kFloat32).matmul(b.to(torch::kFloat32)).to(torch::kBFloat16);
}

// Singular values near 1, the same directions. g [a, b]
Tensor orthogonal(const Tensor& g) {
  const bool tall = g.size(0) > g.size(1);
  Tensor x = (tall ? g.t() : g).to(torch::kBFloat16);
  x = x / (x.norm(2, at::IntArrayRef({0, 1}), true) + kLeastNorm);
  for (int round = 0; round < kRounds; ++round) {
    const Tensor a = bfloat16_product(x, x.t());
    const Tensor b = kCubic * a + bfloat16_product(kQuintic * a, a);
    x = kSlope * x + bfloat16_product(b, x);
  }
  return (tall ? x.t() : x).to(torch::kFloat32);
}

class MuonRule final : public UpdateRule {
 public:
  MuonRule(const TrainParams& params, const Tensor& value)
      : momentum_(params.momentum),
        weight_decay_(params.weight_decay),
        first_(torch::zeros_like(value.detach())) {}

  void step(Tensor& value, const Tensor& gradient, const Moment& now) override {
    if (weight_decay_ > 0) value.mul_(1 - now.lr * weight_decay_);
    first_.lerp_(gradient, 1 - momentum_);
    const auto longest = static_cast<double>(std::max(value.size(0), value.size(1)));
    value.sub_(orthogonal(gradient.lerp(first_, momentum_)), now.lr * 0.2 * std::sqrt(longest));
  }
  NamedTensors state() const override { return {{"first", first_}}; }

 private:
  double momentum_, weight_decay_;
  Tensor first_;
};

}  // namespace

std::unique_ptr<UpdateRule> muon_rule(const TrainParams& params, const Tensor& value) {
  return std::make_unique<MuonRule>(params, value);
}

}  // namespace facet
