// mean and expected_average: what they find, the way back, their state, and folding.
#include <facet/torch.h>
#include <gtest/gtest.h>

#include <cmath>

#include "core/activations/letter_host.h"
#include "core/activations/small_sae.h"
#include "expect_refusal.h"

namespace facet {
namespace {

// Roundings of float32 on numbers of order 1, and on products with weights.
constexpr double kRounding = 1e-5;
constexpr int64_t kAll = 1 << 20;

std::unique_ptr<Normaliser> chosen(const std::string& name) {
  Registry registry;
  add_core_normalisers(registry);
  return make_normaliser(registry, name, "activations.normalize");
}

// Rows [n, points, d] from memory; counts how many are asked for at once.
class Rowed final : public ActivationSource {
 public:
  explicit Rowed(Tensor x) : x_(std::move(x)) {}
  Shape shape() const override { return {x_.size(1), x_.size(1), x_.size(2), x_.size(2)}; }
  Rows next(int64_t rows) override {
    most = std::max(most, rows);
    const int64_t begin = at_;
    at_ = std::min(x_.size(0), at_ + rows);
    Rows out;
    out.x = x_.slice(0, begin, at_);
    return out;
  }
  Value cursor() const override { return at_; }
  void seek(const Value& cursor) override { at_ = *cursor.as<int64_t>(); }
  std::string key() const override { return "rowed"; }

  int64_t most = 0;

 private:
  Tensor x_;
  int64_t at_ = 0;
};

Tensor waves(int64_t rows, int64_t points = 1) {
  const Tensor at = torch::arange(rows * points * 4).to(torch::kFloat32);
  return torch::sin(at * 0.7).view({rows, points, 4}) * 3 + 1;
}

std::unique_ptr<Normaliser> fitted(const std::string& name, const Tensor& rows) {
  auto norm = chosen(name);
  Rowed source(rows);
  norm->fit(source, kAll);
  return norm;
}

TEST(FittedNormaliser, mean_takes_each_hookpoints_mean_row) {
  const Tensor x = waves(10000, 2);
  const auto norm = fitted("mean", x);
  Stats stats;
  const Tensor y = norm->apply(x, stats);
  EXPECT_TRUE(torch::allclose(y, x - x.mean(0), kRounding, kRounding));
  EXPECT_TRUE(torch::allclose(norm->invert(y, stats), x, kRounding, kRounding));
  EXPECT_EQ(norm->saelens_name(), "");
}

TEST(FittedNormaliser, expected_average_makes_the_mean_norm_the_root_of_the_width) {
  const Tensor x = waves(10000, 2) * torch::tensor({1.0f, 20.0f}).view({1, 2, 1});
  const auto norm = fitted("expected_average", x);
  Stats stats;
  const Tensor y = norm->apply(x, stats);
  const Tensor norms = y.norm(2, {-1}).mean(0);  // [points]
  EXPECT_TRUE(torch::allclose(norms, torch::full({2}, 2.0f), kRounding, 0)) << norms;
  EXPECT_TRUE(torch::allclose(norm->invert(y, stats), x, kRounding, kRounding));
  EXPECT_EQ(norm->saelens_name(), "");
}

TEST(FittedNormaliser, looks_at_no_more_rows_than_asked_and_at_few_at_a_time) {
  const Tensor x = torch::cat({torch::ones({9000, 1, 4}), torch::full({9000, 1, 4}, 100.0f)});
  Rowed source(x);
  const auto norm = chosen("mean");
  norm->fit(source, 9000);
  Stats stats;
  EXPECT_TRUE(torch::equal(norm->apply(torch::ones({1, 1, 4}), stats), torch::zeros({1, 1, 4})));
  EXPECT_EQ(source.cursor(), Value(9000));
  EXPECT_EQ(source.most, 4096);
}

TEST(FittedNormaliser, comes_back_from_its_state_bit_for_bit) {
  for (const char* name : {"mean", "expected_average"}) {
    const Tensor x = waves(1000, 3);
    const auto norm = fitted(name, x), back = chosen(name);
    back->restore(parse_json(emit_json(norm->state()), "state"));
    Stats stats;
    EXPECT_TRUE(torch::equal(norm->apply(x, stats), back->apply(x, stats))) << name;
    EXPECT_EQ(norm->state(), back->state()) << name;
  }
}

// decode(encode(x)) with the normaliser around it, and without once it is folded.
void expect_folds(const std::string& name, Sae& sae) {
  const torch::NoGradGuard no_grad;
  const Tensor x = waves(64);
  const auto norm = fitted(name, x);
  Batch batch;
  batch.input = batch.target = norm->apply(x, batch.stats);
  const Pass before = sae.pass(batch, Mode::infer);
  const Tensor output = norm->invert(before.output, batch.stats);
  ASSERT_TRUE(norm->fold(sae)) << name;
  batch.input = batch.target = x;
  const Pass after = sae.pass(batch, Mode::infer);
  EXPECT_TRUE(torch::allclose(before.codes.dense(), after.codes.dense(), kRounding, kRounding));
  EXPECT_TRUE(torch::allclose(output, after.output, kRounding, kRounding)) << name;
}

// Does not take b_dec from its input.
class Uncentred final : public PlainSae {
 public:
  Uncentred() {
    Init init(3);
    param("W_dec", init.uniform({8, 4}, 1.0));
    param("W_enc", init.uniform({4, 8}, 1.0));
    param("b_enc", init.uniform({8}, 1.0));
    param("b_dec", init.uniform({4}, 1.0));
  }
  Codes encode(const Tensor& x, Mode) override {
    return Codes::of((torch::matmul(x, params()[1].second) + params()[2].second).relu());
  }
  Tensor decode(const Codes& codes) override {
    return ops::decode(codes, params()[0].second, params()[3].second);
  }
  Losses losses(const Pass&, const Step&) override { return {}; }
  Value saelens() const override {
    return Value::Table{{"architecture", "standard"}, {"apply_b_dec_to_input", false}};
  }
};

TEST(FittedNormaliser, folds_into_the_weights) {
  for (const char* name : {"mean", "expected_average"}) {
    const auto centred = small_sae();
    expect_folds(name, *centred);
    Uncentred uncentred;
    expect_folds(name, uncentred);
  }
}

TEST(FittedNormaliser, does_not_fold_into_an_sae_of_unknown_form) {
  const auto sae = small_sae({8, 2, false});
  for (const char* name : {"mean", "expected_average", "layer_norm"}) {
    const Tensor before = sae->params()[3].second.detach().clone();
    EXPECT_FALSE(fitted(name, waves(10))->fold(*sae)) << name;
    EXPECT_TRUE(torch::equal(before, sae->params()[3].second)) << name;
  }
  EXPECT_FALSE(chosen("mean")->fold(*small_sae())) << "not fitted";
}

TEST(FittedNormaliser, refuses_what_it_cannot_be_fitted_to) {
  const Tensor bad = torch::full({4, 1, 4}, NAN);
  const struct {
    const char* name;
    Tensor rows;
    std::string text;
  } cases[] = {
      {"mean", torch::zeros({0, 1, 4}),
       "activations.normalize: mean: there are no rows to fit it to"},
      {"mean", bad, "activations.normalize: mean: the rows it is fitted to are not finite"},
      {"expected_average", bad,
       "activations.normalize: expected_average: the rows it is fitted to are not finite"},
      {"expected_average", torch::zeros({4, 1, 4}),
       "activations.normalize: expected_average: the mean norm of the rows: is 0, should be above "
       "0"},
  };
  for (const auto& c : cases)
    EXPECT_EQ(refusal_of([&] { fitted(c.name, c.rows); }), c.text) << c.name;
}

TEST(FittedNormaliser, refuses_to_work_before_it_has_seen_rows_and_a_damaged_state) {
  const auto norm = chosen("mean");
  Stats stats;
  EXPECT_EQ(refusal_of([&] { norm->apply(waves(2), stats); }),
            "activations.normalize: mean: has not seen any rows; run:train fits it first");
  norm->restore({});
  EXPECT_TRUE(norm->state().empty());
  EXPECT_EQ(refusal_of([&] {
              norm->restore(Value::Table{{"mean", Value::Array{}}});
            }),
            "the state of the normaliser mean is damaged");
}

}  // namespace
}  // namespace facet
