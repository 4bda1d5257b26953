// route: what the router can learn from each of its forms, what is spliced, what is recorded.
#include <facet/rng.h>
#include <facet/torch.h>
#include <gtest/gtest.h>

#include "expect_refusal.h"
#include "plugins/architectures.h"
#include "plugins/fake_context.h"
#include "train/trainer.h"

namespace facet {
namespace {

constexpr int64_t kPoints = 3, kDim = 16, kBest = 1;

Shape three_points() { return {kPoints, kPoints, kDim, kDim}; }

Tensor normal(std::vector<int64_t> sizes, const std::string& stream) {
  Rng rng(11, "test/route/" + stream);
  const Tensor x = at::empty(sizes);
  float* to = x.data_ptr<float>();
  for (int64_t i = 0; i < x.numel(); ++i) to[i] = static_cast<float>(rng.normal());
  return x;
}

// At one hookpoint rows are sums of two of 24 directions, at the others noise of the same length.
Tensor planted_rows(int64_t n) {
  const Tensor directions = normal({24, kDim}, "directions");
  Rng rng(11, "test/route/which");
  const Tensor out = normal({n, kPoints, kDim}, "noise");
  for (int64_t i = 0; i < n; ++i)
    out[i][kBest] = directions[rng.below(24)] + directions[rng.below(24)];
  return out * (4 / out.norm(2, {2}, true));
}

Value route_section() { return Value::Table{{"type", "route"}, {"d_sae", 32}, {"k", 2}}; }
Value paper_section() {
  Value out = route_section();
  out.set("compat", "routesae");
  return out;
}

Batch batch_of(const Tensor& x) {
  MemorySource source(x);
  const auto normaliser = make_normaliser(architectures(), Value(), "normalize");
  return make_batch(*normaliser, source.next(x.size(0)));
}

double figure(const Figures& figures, const std::string& name) {
  for (const auto& [known, value] : figures)
    if (known == name) return value.item<double>();
  ADD_FAILURE() << "no figure " << name;
  return NAN;
}

// The gradient that reaches the router in the first step, with biases set to `bias` times noise.
double router_gradient(const Value& section, double bias) {
  const auto sae = sae_of(section, three_points());
  {
    const at::NoGradGuard no_grad;
    for (const char* name : {"b_enc", "b_dec"}) {
      Tensor b = param_of(*sae, name);
      b.copy_(normal(b.sizes().vec(), name) * bias);
    }
  }
  const Pass pass = sae->pass(batch_of(planted_rows(256)), Mode::train);
  Tensor total = at::zeros({});
  for (const Loss& loss : sae->losses(pass, Step())) total = total + loss.value;
  total.backward();
  return figure(sae->figures(pass), "router_gradient");
}

double share_of_best(const Value& section, double& before) {
  const auto sae = sae_of(section, three_points());
  const Tensor x = planted_rows(4096);
  const auto usage = [&] {
    const at::NoGradGuard no_grad;
    return figure(sae->figures(sae->pass(batch_of(x), Mode::infer)),
                  "usage_" + std::to_string(kBest));
  };
  before = usage();
  MemorySource source(x);
  const auto normaliser = make_normaliser(architectures(), Value(), "normalize");
  const TrainParams params = train_schema().parse(
      "train", Value(Value::Table{{"steps", 400}, {"batch", 256}, {"lr", 0.01}}));
  fit(*sae, *normaliser, source, params, {});
  return usage();
}

}  // namespace

TEST(Route, papers_router_has_no_gradient_while_biases_are_zero) {
  EXPECT_LT(router_gradient(paper_section(), 0), 1e-6);
  EXPECT_GT(router_gradient(paper_section(), 0.1), 1e-3);
  EXPECT_GT(router_gradient(route_section(), 0), 1e-3);
  Value soft = paper_section();
  soft.set("routing", "soft");
  EXPECT_GT(router_gradient(soft, 0), 1e-3);
}

TEST(Route, finds_the_hookpoint_that_comes_back_best) {
  double before = 0;
  const double after = share_of_best(route_section(), before);
  EXPECT_LT(before, 0.6);
  EXPECT_GT(after, 0.95);
}

TEST(Route, splices_only_the_rows_of_the_hookpoint) {
  const auto sae = sae_of(route_section(), three_points());
  const at::NoGradGuard no_grad;
  const Batch batch = batch_of(planted_rows(64));
  const Pass seen = sae->pass(batch, Mode::infer);
  Tensor all = at::zeros({64}, at::kLong);
  for (int64_t point = 0; point < kPoints; ++point) {
    const Tensor live = batch.input.select(1, point) * 1.5;
    const Spliced spliced = sae->splice(point, live, seen);
    EXPECT_TRUE(at::equal(spliced.replaced, seen.notes.at("layer").eq(point)));
    const Tensor kept = spliced.replaced.logical_not();
    EXPECT_TRUE(at::equal(spliced.rows.index({kept}), live.index({kept})));
    EXPECT_FALSE(at::equal(spliced.rows.index({spliced.replaced}), live.index({spliced.replaced})));
    all += spliced.replaced;
  }
  EXPECT_TRUE(all.eq(1).all().item<bool>());
}

TEST(Route, returns_one_row_and_says_which) {
  const auto sae = sae_of(route_section(), three_points());
  const Shape shape = sae->shape(three_points());
  EXPECT_EQ(shape.points_in, kPoints);
  EXPECT_EQ(shape.points_out, 1);
  const at::NoGradGuard no_grad;
  const Batch batch = batch_of(planted_rows(8));
  const Pass pass = sae->pass(batch, Mode::infer);
  EXPECT_EQ(pass.output.sizes(), (std::vector<int64_t>{8, 1, kDim}));
  const Tensor& layer = pass.notes.at("layer");
  for (int64_t i = 0; i < 8; ++i)
    EXPECT_TRUE(at::equal(pass.target[i][0], batch.input[i][layer[i].item<int64_t>()]));
}

TEST(Route, goes_back_to_the_hosts_units_of_the_hookpoint_that_was_chosen) {
  const Value norm = Value::Table{{"type", "layer_norm"}, {"eps_back", true}};
  const auto normaliser = make_normaliser(architectures(), norm, "normalize");
  const auto sae = sae_of(route_section(), three_points());
  const at::NoGradGuard no_grad;
  const Tensor x = planted_rows(32) * at::arange(1, 33).view({32, 1, 1}) + 2;
  MemorySource source(x);
  const Batch batch = make_batch(*normaliser, source.next(32));
  const Pass pass = sae->pass(batch, Mode::infer);
  const Tensor back = normaliser->invert(pass.target, output_stats(pass, batch.stats));
  const Tensor& layer = pass.notes.at("layer");
  for (int64_t i = 0; i < 32; ++i)
    EXPECT_LT((back[i][0] - x[i][layer[i].item<int64_t>()]).abs().max().item<double>(), 1e-4);
}

TEST(Route, revives_latents_from_the_rows_that_it_codes) {
  const auto sae = sae_of(route_section(), three_points());
  const at::NoGradGuard no_grad;
  const Batch batch = batch_of(planted_rows(3));
  const Tensor coded = sae->pass(batch, Mode::infer).target.select(1, 0);
  sae->revive(at::tensor({4, 5, 6}, at::kLong), batch);
  const Tensor now = param_of(*sae, "W_dec").slice(0, 4, 7);
  EXPECT_LT((now - coded / coded.norm(2, {1}, true)).abs().max().item<double>(), 1e-6);
}

TEST(Route, is_its_own_form_once_trained) {
  Value fewer = route_section();
  fewer.set("infer_k", 1);
  EXPECT_FALSE(sae_of(fewer, three_points())->inference_form().has_value());
}

TEST(Route, refuses_what_it_cannot_do) {
  Value in_host = route_section();
  in_host.set("error_in", "host");
  EXPECT_EQ(refusal_of([&] { sae_of(in_host, three_points()); }),
            "sae: error_in must be normalised: what a soft route mixes has no units of the host");
  EXPECT_EQ(refusal_of([] {
              sae_of(route_section(), {1, 1, kDim, kDim});
            }),
            "facet.sae.route: sae: route: chooses among several hookpoints of one width: is given "
            "1 of width 16 and should return width 16");
  Value soft = route_section();
  soft.set("routing", "soft");
  const auto sae = sae_of(soft, three_points());
  const at::NoGradGuard no_grad;
  const Batch batch = batch_of(planted_rows(4));
  const Pass pass = sae->pass(batch, Mode::infer);
  EXPECT_EQ(refusal_of([&] { sae->splice(0, batch.input.select(1, 0), pass); }),
            "sae: route: splice: soft routing mixes all hookpoints, so none has a row to replace; "
            "train with routing = \"hard\"");
  EXPECT_EQ(refusal_of([&] {
              output_stats(pass, {{"basis", at::zeros({kDim, kDim})}});
            }),
            "normalize: its \"basis\" is not one for each hookpoint: rows of an SAE that chooses "
            "among hookpoints cannot be taken back to the host's units");
}

}  // namespace facet
