// Gradients of the logits with respect to the rows at each hookpoint, against finite differences.
#include <facet/rng.h>

#include <cmath>

#include "host_adapters/adapters.h"

namespace facet {
namespace {

const std::vector<std::string> kTexts = {"MKVLAAGIC", "ACDEF"};
// The step is this share of the rows' length; a central difference is off by its square, and by the
// rounding of float32 logits divided by it.
constexpr double kStep = 1e-3;
// Relative to the gradient's length.
constexpr double kTolerance = 5e-3;

Tensor normal(const std::string& purpose, at::IntArrayRef sizes) {
  Rng rng(0, purpose);
  const Tensor out = torch::empty(sizes, torch::kFloat32);
  float* to = out.data_ptr<float>();
  for (int64_t i = 0; i < out.numel(); ++i) to[i] = static_cast<float>(rng.normal());
  return out;
}

/// A scalar of the logits as a function of the rows at one hookpoint.
class Scalar {
 public:
  Scalar(HostModel& host, std::string point)
      : host_(host), point_(std::move(point)), tokens_(host.tokenize(kTexts)) {
    rows_ = pass(host_, tokens_, {point_}).rows.at(point_).x.clone();
    weight_ = normal("test/scalar", {tokens_.id.size(0), host_.info().vocabulary});
  }

  const Tensor& rows() const { return rows_; }
  double value(const Tensor& x) const {
    return (with(x, {.logits = true}).to(torch::kFloat64) * weight_).sum().item<double>();
  }
  Tensor gradient() const {
    const Tensor leaf = rows_.clone().requires_grad_();
    (with(leaf, {.logits = true, .gradients = true}) * weight_).sum().backward();
    return leaf.grad();
  }
  /// Along `direction`, of length 1.
  double difference(const Tensor& direction) const {
    const double step = kStep * rows_.norm().item<double>();
    return (value(rows_ + step * direction) - value(rows_ - step * direction)) / (2 * step);
  }

 private:
  Tensor with(const Tensor& x, Want want) const {
    return host_.forward(tokens_, std::vector<Hook>{{point_, [&](const Rows&) { return x; }}}, want)
        .value;
  }

  HostModel& host_;
  std::string point_;
  Tokens tokens_;
  Tensor rows_, weight_;
};

void expect_gradients(HostModel& host) {
  for (const HookPoint& point : host.info().points) {
    const Scalar scalar(host, point.name);
    const Tensor gradient = scalar.gradient();
    const double length = gradient.norm().item<double>();
    ASSERT_GT(length, 0) << point.name;
    const Tensor steepest = gradient / length;
    EXPECT_NEAR(scalar.difference(steepest), length, kTolerance * length) << point.name;
    const Tensor any = normal("test/direction " + point.name, scalar.rows().sizes());
    const Tensor mixed = (any / any.norm() + steepest) / (any / any.norm() + steepest).norm();
    EXPECT_NEAR(scalar.difference(mixed), (gradient * mixed).sum().item<double>(),
                kTolerance * length)
        << point.name;
  }
}

TEST(Gradients, of_esm2_are_finite_differences_at_each_hookpoint) {
  expect_gradients(*make_host("esm2", {{"weights", kTiny}}));
}

TEST(Gradients, of_llama_are_finite_differences_at_each_hookpoint) {
  expect_gradients(*make_host("llama", {{"weights", kTinyLlama}}));
}

TEST(Gradients, of_toy_are_finite_differences_at_each_hookpoint) {
  expect_gradients(*make_host("toy", {}));
}

TEST(Gradients, reach_contacts_through_the_attention_maps) {
  const auto host = make_host("esm2", {{"weights", kTiny}});
  Tensor leaf;
  const std::vector<Hook> hooks = {
      {"embeddings", [&](const Rows& rows) { return leaf = rows.x.clone().requires_grad_(); }}};
  const Logits out =
      host->forward(host->tokenize(kTexts), hooks, {.gradients = true, .contacts = true});
  out.contacts[0].sum().backward();
  const Tensor reached = leaf.grad().norm(2, 1) > 0;  // [t]
  const int64_t first = static_cast<int64_t>(kTexts[0].size()) + 2;
  EXPECT_TRUE(reached.slice(0, 0, first).all().item<bool>());
  EXPECT_FALSE(reached.slice(0, first).any().item<bool>());
}

}  // namespace
}  // namespace facet
