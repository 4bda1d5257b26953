// Metrics against their golden figures, edge cases, baselines, and known dictionaries.
#include <gtest/gtest.h>

#include "facet/torch.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/files.h"
#include "expect_refusal.h"
#include "facet/safetensors.h"
#include "fake_context.h"

using namespace facet;

namespace {

// golden.json: figures in float64 from float32 arrays; x - x_hat here goes through float32 outputs
// unchanged.
constexpr double kGolden = 1e-9;

// Answers the rows of a sequential pass with given outputs and codes.
class Replay : public Sae {
 public:
  Replay(Tensor output, Tensor codes, Tensor decoder = {})
      : output_(std::move(output)), codes_(std::move(codes)), decoder_(std::move(decoder)) {}
  Pass pass(const Batch& batch, Mode) override {
    const int64_t begin = at_, end = at_ += batch.input.size(0);
    return {Codes::of(codes_.slice(0, begin, end)),
            output_.slice(0, begin, end).unsqueeze(1),
            batch.target,
            {}};
  }
  Losses losses(const Pass&, const Step&) override { return {}; }
  Tensor decoder(int64_t) const override { return decoder_; }

 private:
  Tensor output_, codes_, decoder_;
  int64_t at_ = 0;
};

struct Bench {
  explicit Bench(Tensor x, double scale = 1.0) : normaliser(scale) {
    context.x = x.unsqueeze(1);
    context.normalising = &normaliser;
  }
  Report run(Sae& sae) {
    context.trained = &sae;
    return run_analysis("metrics", Value(Value::Table{{"baseline", "none"}}), context);
  }
  ScalingNormaliser normaliser;
  FakeContext context;
};

Tensor normal(std::vector<int64_t> sizes, const std::string& purpose) {
  Rng rng(3, purpose);
  Tensor out = torch::empty(sizes, torch::kFloat32);
  for (int64_t i = 0; i < out.numel(); ++i)
    out.data_ptr<float>()[i] = static_cast<float>(rng.normal());
  return out;
}

}  // namespace

TEST(Metrics, equal_the_golden_figures) {
  const std::string folder = FACET_TEST_DATA "/metrics";
  const Safetensors input(folder + "/input.safetensors");
  const Value golden = parse_json(read_file(folder + "/golden.json"), "golden.json");
  const std::pair<const char*, const char*> names[] = {{"nmse", "nmse.mean_of_ratios"},
                                                       {"fvu", "fvu.ratio_of_sums_centred"},
                                                       {"explained_variance", "ev.saelens_new"},
                                                       {"mse", "mse.sum_d_mean_n"},
                                                       {"cosine", "cosine.mean"},
                                                       {"l0", "l0.mean"},
                                                       {"dead", "dead_fraction"},
                                                       {"rows", "tokens"}};
  for (const std::string subset : {"all", "masked"}) {
    const Tensor mask = input.tensor("mask").flatten() > 0;
    const Tensor keep = subset == "all" ? torch::ones_like(mask) : mask;
    const auto rows = [&](const char* name) {
      return input.tensor(name).flatten(0, 1).index({keep});
    };
    Replay sae(rows("x_hat"), rows("codes"));
    const Report report = Bench(rows("x")).run(sae);
    for (const auto& [ours, theirs] : names) {
      const double should = golden.at("values").at(subset).number(theirs);
      EXPECT_NEAR(number(report, ours), should, kGolden * std::abs(should))
          << subset << " " << ours;
    }
  }
}

TEST(Metrics, do_not_depend_on_where_blocks_end) {
  const Tensor x = normal({2500, 6}, "x") + 100, x_hat = x + 0.1 * normal({2500, 6}, "error");
  Replay sae(x_hat, torch::ones({2500, 2}));
  const Report report = Bench(x).run(sae);
  const Tensor wide = x.to(torch::kFloat64), error = wide - x_hat.to(torch::kFloat64);
  const double fvu = (error.square().sum() / (wide - wide.mean(0)).square().sum()).item<double>();
  EXPECT_NEAR(number(report, "fvu"), fvu, 1e-12);
  EXPECT_NEAR(number(report, "explained_variance"), 1 - fvu, 1e-12);
}

TEST(Metrics, are_in_the_hosts_units) {
  const Tensor x = normal({40, 4}, "x");
  Replay sae(torch::zeros({40, 4}), torch::ones({40, 1}));
  const double plain = x.to(torch::kFloat64).square().sum(1).mean().item<double>();
  EXPECT_NEAR(number(Bench(x, 8.0).run(sae), "mse"), plain, 1e-9 * plain);
}

TEST(Metrics, say_what_constant_rows_and_zero_rows_are_worth) {
  const Tensor constant = torch::tensor({1.0f, -2.0f, 0.5f}).repeat({4, 1});
  Replay perfect(constant, torch::ones({4, 1})), off(constant + 0.1, torch::ones({4, 1}));
  EXPECT_EQ(number(Bench(constant).run(perfect), "explained_variance"), 1.0);
  EXPECT_EQ(number(Bench(constant).run(off), "explained_variance"), 0.0);

  const Tensor x = torch::tensor({{3.0f, 4.0f}, {0.0f, 0.0f}}),
               x_hat = torch::tensor({{0.0f, 4.0f}, {1.0f, 0.0f}});
  Replay sae(x_hat, torch::ones({2, 1}));
  const Report report = Bench(x).run(sae);
  EXPECT_DOUBLE_EQ(number(report, "nmse"), 9.0 / 25.0);
  EXPECT_DOUBLE_EQ(number(report, "cosine"), 0.8);
}

TEST(Metrics, stand_beside_those_of_the_untrained_sae) {
  const Tensor x = normal({10, 4}, "x");
  Bench bench(x);
  Replay trained(x, torch::ones({10, 2}));
  bench.context.trained = &trained;
  bench.context.make_untrained = [] {
    return std::make_unique<Replay>(torch::zeros({10, 4}), torch::zeros({10, 2}));
  };
  const Report report = run_analysis("metrics", Value(), bench.context);
  const Figure& nmse = figure(report, "nmse");
  EXPECT_EQ(*nmse.value.as<double>(), 0.0);
  ASSERT_EQ(nmse.baselines.size(), 1u);
  EXPECT_EQ(nmse.baselines[0].first, "untrained");
  EXPECT_EQ(*nmse.baselines[0].second.as<double>(), 1.0);
  EXPECT_EQ(number(report, "live"), 2.0);
  EXPECT_GT(bench.context.breaths, 0);
  EXPECT_GT(bench.context.sink.progress, 0);
}

TEST(Metrics, recover_a_shuffled_dictionary_completely) {
  const Tensor features = normal({6, 8}, "features");
  const Tensor order = torch::tensor({3, 0, 5, 1, 4, 2});
  Bench bench(normal({5, 8}, "x"));
  bench.context.true_features = features;
  Replay sae(torch::zeros({5, 8}), torch::ones({5, 6}), -2 * features.index({order}));
  EXPECT_NEAR(number(bench.run(sae), "mcc"), 1.0, 1e-6);
}

TEST(Metrics, pair_latents_and_features_as_well_as_any_pairing) {
  for (const auto& [latents, features] : {std::pair<int64_t, int64_t>{5, 5}, {6, 4}, {3, 6}}) {
    const Tensor decoder = normal({latents, 3}, "decoder"), truth = normal({features, 3}, "truth");
    const auto unit = [](const Tensor& t) {
      return t.to(torch::kFloat64) / t.to(torch::kFloat64).norm(2, 1, true);
    };
    Tensor cosine = torch::matmul(unit(decoder), unit(truth).t()).abs();
    if (latents > features) cosine = cosine.t();
    std::vector<int64_t> columns(cosine.size(1));
    std::iota(columns.begin(), columns.end(), 0);
    double best = 0;
    do {
      double sum = 0;
      for (int64_t i = 0; i < cosine.size(0); ++i) sum += cosine[i][columns[i]].item<double>();
      best = std::max(best, sum / static_cast<double>(cosine.size(0)));
    } while (std::next_permutation(columns.begin(), columns.end()));

    Bench bench(normal({5, 3}, "x"));
    bench.context.true_features = truth;
    Replay sae(torch::zeros({5, 3}), torch::ones({5, latents}), decoder);
    EXPECT_NEAR(number(bench.run(sae), "mcc"), best, 1e-9)
        << latents << " latents, " << features << " features";
  }
}

TEST(Metrics, have_no_mcc_without_a_known_dictionary) {
  Replay sae(torch::zeros({3, 2}), torch::ones({3, 1}));
  const Report report = Bench(torch::ones({3, 2})).run(sae);
  for (const Figure& f : report.values) EXPECT_NE(f.name, "mcc");
}

TEST(Metrics, refuse_to_measure_nothing_and_unknown_baselines) {
  Replay sae(torch::zeros({0, 2}), torch::ones({0, 1}));
  EXPECT_EQ(refusal_of([&] {
              Bench(torch::ones({0, 2})).run(sae);
            }),
            "metrics: there are no rows to measure");
  FakeContext context;
  EXPECT_EQ(refusal_of([&] {
              run_analysis("metrics", Value(Value::Table{{"baseline", "mean"}}), context);
            }),
            "metrics.baseline: string \"mean\", must be one of \"untrained\", \"none\"");
}
