// identity, pca and random: what they find in rows, and what they refuse.
#include <facet/torch.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "activations/activation_stream.h"
#include "core/activations/letter_host.h"
#include "expect_refusal.h"
#include "plugin/loader.h"
#include "train/trainer.h"

namespace facet {
namespace {

// Sums of float32 rows, and products of orthonormal float32 rows.
constexpr double kRounding = 1e-5;

Registry& registry() {
  static Registry* all = [] {
    auto* registry = new Registry;  // plugins stay for ever, and so does what they registered
    add_core_normalisers(*registry);
    for (const char* name : {"identity", "pca", "random", "topk"})
      load_plugin(std::filesystem::path(FACET_TEST_PLUGINS) / (std::string(name) + ".so"),
                  *registry);
    return registry;
  }();
  return *all;
}

std::unique_ptr<Sae> make(const std::string& name, const Value& params,
                          const Shape& shape = {1, 1, 6, 6}, uint64_t seed = 1) {
  std::vector<std::string> problems;
  const SaePart& part = registry().sae(name);
  const AnyParams parsed = part.schema.parse("sae", params, Demand::whole, problems);
  if (!problems.empty()) throw UserError(problems);
  Init init(seed);
  return part.make(parsed, shape, init);
}

// 300 rows of width 6 with unlike variances and a mean far from 0.
const ActivationStream& stream() {
  static const ActivationStream all(dataset_of(std::make_shared<WaveData>(300, 6)),
                                    small_windows());
  return all;
}

Tensor all_rows() { return stream().open(Order::sequential, 0)->next(300).x; }

// One epoch of the trainer.
void train(Sae& sae) {
  TrainParams params;
  params.epochs = 1;
  params.batch = 50;
  const auto source = stream().open(Order::shuffled, 3);
  const auto normaliser = make_normaliser(registry(), {}, "normalize");
  fit(sae, *normaliser, *source, params, {});
}

Pass code(Sae& sae, const Tensor& x) {
  const torch::NoGradGuard no_grad;
  Batch batch;
  batch.input = batch.target = x;
  return sae.pass(batch, Mode::infer);
}

double error_of(Sae& sae) {
  const Tensor x = all_rows();
  return (code(sae, x).output - x).square().sum().item<double>();
}

TEST(Identity, gives_rows_back_exactly_with_as_many_latents_as_neurons) {
  const auto sae = make("identity", {});
  train(*sae);
  const Tensor x = all_rows();
  const Pass pass = code(*sae, x);
  EXPECT_EQ(sae->d_sae(), 6);
  EXPECT_TRUE(torch::equal(pass.output, x));
  EXPECT_TRUE(torch::equal(pass.codes.dense(), x.select(1, 0)));
  EXPECT_TRUE(torch::equal(sae->decoder(0), torch::eye(6)));
}

// The components are eigenvectors of the covariance: the residual is the sum of the variances left.
TEST(Pca, reconstructs_all_but_the_smallest_variances) {
  const Tensor x = all_rows().select(1, 0).to(torch::kFloat64);
  const Tensor centred = x - x.mean(0);
  const Tensor variances =
      std::get<0>(torch::linalg_eigh(centred.t().matmul(centred)));  // ascending
  for (const int64_t k : {1, 3, 6}) {
    const auto sae = make("pca", Value::Table{{"k", k}});
    train(*sae);
    const double left = variances.slice(0, 0, 6 - k).sum().item<double>();
    EXPECT_NEAR(error_of(*sae), left, kRounding * variances.sum().item<double>()) << k;
    EXPECT_EQ(sae->d_sae(), k);
  }
}

TEST(Pca, has_orthonormal_components_of_falling_variance_and_fixed_sign) {
  const auto sae = make("pca", Value::Table{{"k", 4}});
  train(*sae);
  const Tensor w_dec = sae->decoder(0).detach();
  EXPECT_TRUE(torch::allclose(w_dec.matmul(w_dec.t()), torch::eye(4), kRounding, kRounding));
  const Tensor spread = code(*sae, all_rows()).codes.dense().var(0);
  EXPECT_TRUE((spread.diff() <= 0).all().item<bool>()) << spread;
  EXPECT_TRUE((w_dec.gather(1, w_dec.abs().argmax(1, true)) > 0).all().item<bool>());
  EXPECT_TRUE(torch::equal(sae->params()[1].second, w_dec.t())) << "W_enc";
}

TEST(Random, keeps_its_directions_and_finds_the_mean_and_the_best_factor) {
  const auto sae = make("random", Value::Table{{"d_sae", 12}, {"k", 3}});
  const Tensor directions = sae->decoder(0).detach().clone();
  train(*sae);
  const Tensor w_dec = sae->decoder(0).detach();
  const Tensor factor = w_dec.norm(2, {1});
  EXPECT_TRUE(torch::allclose(factor, factor[0].expand({12}), kRounding, kRounding));
  EXPECT_TRUE(torch::allclose(w_dec / factor[0], directions, kRounding, kRounding));
  EXPECT_TRUE(torch::equal(sae->params()[1].second, directions.t())) << "W_enc";
  EXPECT_TRUE(torch::allclose(sae->params()[3].second, all_rows().flatten(0, 1).mean(0), kRounding,
                              kRounding))
      << "b_dec";
  EXPECT_EQ(code(*sae, all_rows()).codes.nonzeros(), 300 * 3);

  // A second epoch codes every row with the final mean: no other factor has a smaller error.
  const double best = error_of(*sae);
  for (const double other : {0.7, 1.4}) {
    const torch::NoGradGuard no_grad;
    sae->params()[0].second.copy_(w_dec * other);
    EXPECT_GT(error_of(*sae), best) << other;
  }
}

TEST(Random, is_another_one_with_another_seed) {
  const Value params = Value::Table{{"d_sae", 12}, {"k", 3}};
  const auto a = make("random", params), b = make("random", params),
             c = make("random", params, {1, 1, 6, 6}, 2);
  EXPECT_TRUE(torch::equal(a->decoder(0), b->decoder(0)));
  EXPECT_FALSE(torch::equal(a->decoder(0), c->decoder(0)));
}

TEST(Baselines, learn_the_same_in_two_halves) {
  for (const auto& [name, params] : {std::pair<std::string, Value>{"pca", Value::Table{{"k", 2}}},
                                     {"random", Value::Table{{"d_sae", 12}, {"k", 3}}}}) {
    const auto whole = make(name, params), first = make(name, params), second = make(name, params);
    const auto source = stream().open(Order::sequential, 0);
    const torch::NoGradGuard no_grad;
    const auto learn = [](Sae& sae, const Tensor& x) {
      Batch batch;
      batch.input = batch.target = x;
      sae.pass(batch, Mode::train);
    };
    const Tensor a = source->next(100).x, b = source->next(100).x;
    learn(*whole, a);
    learn(*whole, b);
    learn(*first, a);
    for (size_t i = 0; i < first->params().size(); ++i)
      Tensor(second->params()[i].second).copy_(first->params()[i].second);
    for (size_t i = 0; i < first->buffers().size(); ++i)
      Tensor(second->buffers()[i].value).copy_(first->buffers()[i].value);
    learn(*second, b);
    whole->finish();
    second->finish();
    for (size_t i = 0; i < whole->params().size(); ++i)
      EXPECT_TRUE(torch::equal(whole->params()[i].second, second->params()[i].second))
          << name << " " << whole->params()[i].first;
  }
}

TEST(Baselines, pass_gradients_to_the_rows_but_have_none_themselves) {
  for (const auto& [name, params] : {std::pair<std::string, Value>{"identity", Value()},
                                     {"pca", Value::Table{{"k", 2}}},
                                     {"random", Value::Table{{"d_sae", 12}, {"k", 3}}}}) {
    const auto sae = make(name, params);
    train(*sae);
    Batch batch;
    batch.input = batch.target = all_rows();
    const Pass pass = sae->pass(batch, Mode::infer);
    EXPECT_FALSE(pass.output.requires_grad()) << name;
    batch.input = all_rows().requires_grad_();
    sae->pass(batch, Mode::infer).output.square().sum().backward();
    EXPECT_GT(batch.input.grad().abs().sum().item<double>(), 0) << name;
  }
}

TEST(Baselines, refuse_what_does_not_fit) {
  const struct {
    const char* name;
    Value params;
    Shape shape;
    std::string text;
  } cases[] = {
      {"pca", Value::Table{{"k", 7}}, {1, 1, 6, 6}, "facet.sae.pca: sae.k: 7 exceeds d_in (6)"},
      {"pca", Value(), {1, 1, 6, 6}, "sae.k: required"},
      {"pca", Value::Table{{"k", 0}}, {1, 1, 6, 6}, "sae.k: integer 0, must be at least 1"},
      {"random", Value::Table{{"d_sae", 4}, {"k", 5}}, {1, 1, 6, 6}, "sae.k: 5 exceeds d_sae (4)"},
      {"identity", Value::Table{{"d_sae", 6}}, {1, 1, 6, 6}, "sae.d_sae: unknown key"},
      {"identity",
       Value(),
       {2, 2, 6, 6},
       "facet.sae.identity: sae: identity: reconstructs the rows of one hookpoint: is given 2 of "
       "width 6 and should return 2 of width 6"},
      {"pca",
       Value::Table{{"k", 2}},
       {1, 1, 6, 8},
       "facet.sae.pca: sae: pca: reconstructs the rows of one hookpoint: is given 1 of width 6 and "
       "should return 1 of width 8"},
      {"random",
       Value::Table{{"d_sae", 4}, {"k", 2}},
       {3, 1, 6, 6},
       "facet.sae.random: sae: random: reconstructs the rows of one hookpoint: is given 3 of width "
       "6 and should return 1 of width 6"},
  };
  for (const auto& c : cases)
    EXPECT_EQ(refusal_of([&] { make(c.name, c.params, c.shape); }), c.text) << c.name;
}

}  // namespace
}  // namespace facet
