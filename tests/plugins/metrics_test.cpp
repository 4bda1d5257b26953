// Metrics: blocks, units, edge cases, baselines, intervals, and known dictionaries.
#include <gtest/gtest.h>

#include "facet/torch.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "expect_refusal.h"
#include "replay.h"

using namespace facet;

namespace {

Tensor normal(std::vector<int64_t> sizes, const std::string& purpose) {
  Rng rng(3, purpose);
  Tensor out = torch::empty(sizes, torch::kFloat32);
  for (int64_t i = 0; i < out.numel(); ++i)
    out.data_ptr<float>()[i] = static_cast<float>(rng.normal());
  return out;
}

}  // namespace

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

TEST(Metrics, compare_codes_with_rows_in_the_saes_units) {
  const Tensor x = normal({40, 4}, "x");
  Replay one(x, torch::ones({40, 2})), eight(x, torch::full({40, 2}, 8.0f));
  EXPECT_NEAR(number(Bench(x).run(one, "all"), "l1_over_norm"),
              number(Bench(x, 8.0).run(eight, "all"), "l1_over_norm"), 1e-9);
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
  EXPECT_EQ(figure(report, "live").baselines.at(0).second, Value(0));
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

TEST(Metrics, are_not_a_number_where_their_definition_divides_by_zero) {
  const Tensor constant = torch::full({4, 3}, 0.1f);
  Replay sae(constant, torch::ones({4, 1}));
  const Report report = Bench(constant).run(sae, "all");
  for (const char* name : {"fvu", "explained_variance_legacy", "explained_variance_centred"})
    EXPECT_TRUE(std::isnan(number(report, name))) << name;
  EXPECT_FALSE(figure(report, "fvu").interval);

  Replay nothing(torch::zeros({4, 3}), torch::zeros({4, 1}));
  const Report empty = Bench(torch::zeros({4, 3})).run(nothing, "all");
  for (const char* name :
       {"nmse", "nmse_of_sums", "cosine", "relative_reconstruction_bias", "l1_over_norm"})
    EXPECT_TRUE(std::isnan(number(empty, name))) << name;
  EXPECT_EQ(number(empty, "l2_ratio"), 0.0);
}

TEST(Metrics, have_one_definition_of_each_word_unless_all_are_asked_for) {
  const Tensor x = normal({10, 4}, "x");
  Replay sae(x, torch::ones({10, 2})), again(x, torch::ones({10, 2}));
  std::vector<std::string> main;
  for (const Figure& f : Bench(x).run(sae).values) main.push_back(f.name);
  EXPECT_EQ(main, (std::vector<std::string>{
                      "rows", "sequences", "nmse", "fvu", "explained_variance", "mse", "cosine",
                      "l2_ratio", "relative_reconstruction_bias", "l0", "l0_nonzero", "sparsity",
                      "l1", "latents", "live", "dead", "over_10_percent", "over_1_percent"}));
  const Report all = Bench(x).run(again, "all");
  EXPECT_GT(all.values.size(), main.size());
  for (const Figure& f : all.values) EXPECT_FALSE(f.definition.empty()) << f.name;
}

TEST(Metrics, count_negative_codes_apart) {
  const Tensor x = normal({10, 4}, "x");
  Replay sae(x, torch::tensor({{1.0f, -2.0f, 0.0f, -1.0f}}).repeat({10, 1}));
  const Report report = Bench(x).run(sae);
  EXPECT_EQ(number(report, "l0"), 1.0);
  EXPECT_EQ(number(report, "l0_nonzero"), 3.0);
  EXPECT_EQ(number(report, "l1"), 4.0);
  EXPECT_EQ(number(report, "live"), 1.0);
}

// Rows of a sequence are equal, so only sequences tell anything: the error of the mean of 40 of
// them is their spread / sqrt(40), whatever the number of rows.
TEST(Metrics, have_intervals_over_sequences) {
  const Tensor error = normal({40, 1}, "error").abs().repeat_interleave(25, 0);  // [1000, 1]
  const Tensor x = torch::ones({1000, 1});
  Replay sae(x + error, torch::ones({1000, 1}));
  Bench bench(x);
  bench.context.sequence = torch::arange(40).repeat_interleave(25);
  const Report report = bench.run(sae);
  const Figure& loss = figure(report, "l2_ratio");
  ASSERT_TRUE(loss.interval);
  EXPECT_EQ(loss.interval->definition, "95 %, percentile bootstrap over sequences, 1000 resamples");
  const double half = 1.96 * error.std(0, false).item<double>() / std::sqrt(40.0);
  const double kNoise = 0.15 * half;  // of 1000 resamples, and of a spread that is not normal
  EXPECT_NEAR(loss.interval->high - number(report, "l2_ratio"), half, kNoise);
  EXPECT_NEAR(number(report, "l2_ratio") - loss.interval->low, half, kNoise);
  EXPECT_EQ(number(report, "sequences"), 40.0);
}

TEST(Metrics, have_the_same_intervals_every_time_and_none_when_not_asked) {
  const Tensor x = normal({50, 4}, "x");
  const auto of = [&](int64_t resamples) {
    Replay sae(x * 0.9, torch::ones({50, 2}));
    Bench bench(x);
    bench.context.trained = &sae;
    const Value params = Value::Table{{"baseline", "none"}, {"resamples", resamples}};
    return figure(run_analysis("metrics", params, bench.context), "mse").interval;
  };
  EXPECT_EQ(of(100)->low, of(100)->low);
  EXPECT_NE(of(100)->low, of(200)->low);
  EXPECT_FALSE(of(0));
}

TEST(Metrics, say_when_sequences_share_a_group) {
  const Tensor x = normal({5000, 2}, "x");
  Replay sae(x * 0.9, torch::ones({5000, 1}));
  EXPECT_EQ(figure(Bench(x).run(sae), "mse").interval->definition,
            "95 %, percentile bootstrap over 4096 groups of sequences, 1000 resamples");
  Bench known(x);
  known.context.true_features = torch::eye(2);
  Replay again(x * 0.9, torch::ones({5000, 2}), torch::eye(2));
  EXPECT_EQ(figure(known.run(again), "mse").interval->definition,
            "95 %, percentile bootstrap over 4096 groups of rows, 1000 resamples");
}

TEST(Metrics, draw_how_often_latents_fire) {
  const Tensor x = normal({10, 4}, "x");
  Tensor codes = torch::zeros({10, 3});
  codes.select(1, 0).fill_(1);  // on every row
  codes[4][1] = 1;              // on one in ten
  Replay sae(x, codes);
  Bench bench(x);
  bench.context.sequence = torch::arange(10) / 5;
  bench.context.sequence = bench.context.sequence.to(torch::kInt64);
  const Report report = bench.run(sae);
  ASSERT_EQ(report.plots.size(), 1u);
  const Plot& plot = report.plots[0];
  EXPECT_EQ(plot.name, "density");
  EXPECT_EQ(plot.mark, Mark::bars);
  EXPECT_NE(plot.title.find("1 of 3 never fire"), std::string::npos) << plot.title;
  ASSERT_EQ(plot.series.size(), 1u);
  EXPECT_EQ(plot.series[0].x,
            (std::vector<double>{-3.75, -3.25, -2.75, -2.25, -1.75, -1.25, -0.75, -0.25}));
  EXPECT_EQ(plot.series[0].y, (std::vector<double>{0, 0, 0, 0, 0, 0, 1, 1}));
  EXPECT_EQ(emit_tsv(bench.context.tables.at("latent_density.tsv")),
            "latent\tfrequency\trows\tsequences\trows_per_sequence\n"
            "0\t1.0\t10\t2\t5.0\n"
            "1\t0.1\t1\t1\t1.0\n"
            "2\t0.0\t0\t0\t\n");
}
