// Metrics against golden figures of every definition, and against what other programs return.
#include <gtest/gtest.h>

#include "facet/torch.h"

#include <cmath>

#include "base/files.h"
#include "facet/safetensors.h"
#include "replay.h"

using namespace facet;

namespace {

// golden.json: figures in float64 from the same float32 arrays.
constexpr double kGolden = 1e-9;
// Other programs work in float32: they agree with golden.json within 3e-7.
constexpr double kPeers = 1e-6;
// A row alone: float32 outputs of 24 numbers.
constexpr double kRow = 1e-9;

const std::pair<const char*, const char*> kNames[] = {
    {"rows", "tokens"},
    {"mse", "mse.sum_d_mean_n"},
    {"mse_by_element", "mse.mean_all"},
    {"mse_saebench", "mse.saelens_le_6.45.1"},
    {"nmse", "nmse.mean_of_ratios"},
    {"nmse_of_sums", "nmse.ratio_of_sums_uncentred"},
    {"nmse_by_column", "nmse.opensae_per_dimension"},
    {"fvu", "fvu.ratio_of_sums_centred"},
    {"fvu", "nmse.openai_main"},
    {"explained_variance", "ev.saelens_new"},
    {"explained_variance", "ev.one_minus_fvu"},
    {"explained_variance_centred", "ev.dictionary_learning"},
    {"explained_variance_legacy", "ev.saelens_legacy"},
    {"explained_variance_saebench", "ev.saelens_wrong_le_6.45"},
    {"cosine", "cosine.mean"},
    {"l2_ratio", "l2_ratio.mean"},
    {"norm", "l2_norm_in.mean"},
    {"norm_of_reconstruction", "l2_norm_out.mean"},
    {"relative_reconstruction_bias", "relative_reconstruction_bias"},
    {"l2_loss", "l2_loss.dictionary_learning"},
    {"l0", "l0.mean"},
    {"l0_nonzero", "l0.mean"},
    {"l1", "l1.sum_mean_n"},
    {"l1_by_element", "l1.mean_all"},
    {"l1_over_norm", "l1.openai_normalised"},
    {"l1_weighted", "l1.decoder_norm_weighted"},
    {"dead", "dead_fraction"},
    {"over_10_percent", "fraction_density_above_0.1"},
    {"over_1_percent", "fraction_density_above_0.01"}};

class MetricsGolden : public testing::Test {
 protected:
  // The rows that `keep` [120] bool keeps; a fourth of the rows is a sequence.
  Report run(const Tensor& keep) { return run(keep, rows("x_hat", keep)); }
  Report run(const Tensor& keep, const Tensor& x_hat) {
    Replay sae(x_hat, rows("codes", keep), input_.tensor("W_dec"));
    Bench bench(rows("x", keep));
    bench.context.sequence = torch::arange(4).repeat_interleave(30).index({keep});
    Report report = bench.run(sae, "all");
    tables_ = bench.context.tables;
    return report;
  }
  Tensor rows(const std::string& name, const Tensor& keep) const {
    return input_.tensor(name).flatten(0, 1).index({keep});
  }
  Tensor kept(const std::string& subset) const {
    const Tensor mask = input_.tensor("mask").flatten() > 0;
    return subset == "all" ? torch::ones_like(mask) : mask;
  }
  const Value& values(const std::string& subset) const { return golden_.at("values").at(subset); }

  const std::string folder_ = FACET_TEST_DATA "/metrics";
  const Safetensors input_{folder_ + "/input.safetensors"};
  const Safetensors tensors_{folder_ + "/golden.safetensors"};
  const Value golden_ = parse_json(read_file(folder_ + "/golden.json"), "golden.json");
  std::map<std::string, Table> tables_;
};

}  // namespace

TEST_F(MetricsGolden, equal_every_definition) {
  for (const std::string subset : {"all", "masked"}) {
    const Report report = run(kept(subset));
    for (const auto& [ours, theirs] : kNames) {
      const double should = values(subset).number(theirs);
      EXPECT_NEAR(number(report, ours), should, kGolden * std::abs(should))
          << subset << " " << theirs;
    }
    EXPECT_NEAR(1 - number(report, "dead"), values(subset).number("alive_fraction"), kGolden);
  }
}

TEST_F(MetricsGolden, equal_every_definition_on_each_sequence_alone) {
  std::map<std::pair<std::string, std::string>, double> sums;
  for (int64_t sequence = 0; sequence < 4; ++sequence) {
    const Tensor keep = kept("masked")
                            .logical_and(torch::arange(120) / 30 >= sequence)
                            .logical_and(torch::arange(120) < 30 * (sequence + 1));
    const Report report = run(keep);
    for (const auto& [ours, theirs] : kNames) sums[{ours, theirs}] += number(report, ours);
  }
  for (const auto& [names, sum] : sums) {
    const Value* should = values("mean_of_per_row_values").find(names.second);
    if (!should) continue;  // the number of tokens has no mean
    EXPECT_NEAR(sum / 4, *should->as<double>(), kGolden * std::abs(*should->as<double>()))
        << names.first;
  }
}

TEST_F(MetricsGolden, equal_the_figures_of_each_row) {
  for (const std::string subset : {"all", "masked"}) {
    const Tensor keep = kept(subset);
    const Tensor index = keep.nonzero().flatten();
    const std::pair<const char*, const char*> names[] = {
        {"nmse", ".per_token_nmse"}, {"cosine", ".cosine"}, {"l0", ".l0"}};
    for (int64_t i = 0; i < index.size(0); i += 7) {
      const Report report = run(torch::arange(120) == index[i]);
      for (const auto& [ours, theirs] : names)
        EXPECT_NEAR(number(report, ours), tensors_.tensor(subset + theirs)[i].item<double>(), kRow)
            << subset << theirs << " " << i;
    }
  }
}

TEST_F(MetricsGolden, equal_the_figures_of_each_latent_and_their_histogram) {
  for (const std::string subset : {"all", "masked"}) {
    const Report report = run(kept(subset));
    const Tensor density = tensors_.tensor(subset + ".feature_density"),
                 together = tensors_.tensor(subset + ".consistent_activation_heuristic");
    const auto& table = tables_.at("latent_density.tsv").rows();
    ASSERT_EQ(static_cast<int64_t>(table.size()), density.size(0));
    for (int64_t latent = 0; latent < density.size(0); ++latent) {
      const auto& row = table[static_cast<size_t>(latent)];
      EXPECT_NEAR(*row[1].as<double>(), density[latent].item<double>(), kGolden) << latent;
      const auto* per_sequence = row[4].as<double>();  // golden.json has -1 where there is none
      EXPECT_NEAR(per_sequence ? *per_sequence : -1, together[latent].item<double>(), kGolden)
          << latent;
    }
    const Value& histogram = values(subset).at("density_histogram");
    const Plot::Series& bars = report.plots.at(0).series.at(0);
    ASSERT_EQ(bars.y.size(), histogram.array("counts").size());
    for (size_t bin = 0; bin < bars.y.size(); ++bin) {
      EXPECT_EQ(bars.y[bin], *histogram.array("counts")[bin].as<int64_t>()) << bin;
      EXPECT_EQ(bars.x[bin] - 0.25, *histogram.array("log10_density_edges")[bin].as<double>());
    }
    EXPECT_EQ(number(report, "latents") - number(report, "live"), histogram.integer("dead"));
  }
}

TEST_F(MetricsGolden, equal_the_edge_cases) {
  const Tensor keep = kept("masked"), x = rows("x", keep);
  const Tensor mean = x.to(torch::kFloat64).mean(0).to(torch::kFloat32).expand_as(x);
  const struct {
    const char* name;
    Tensor x_hat;
    double tolerance;  // the mean row is rounded to float32 here
  } cases[] = {{"perfect", x, kGolden},
               {"x_hat_is_the_mean", mean, kPeers},
               {"x_hat_is_x_plus_1", x + 1, kPeers}};
  for (const auto& c : cases) {
    const Report report = run(keep, c.x_hat);
    const Value& should = values("edge_cases").at(c.name);
    for (const auto& [ours, theirs] : kNames) {
      if (!should.find(theirs)) continue;
      EXPECT_NEAR(number(report, ours), should.number(theirs), c.tolerance)
          << c.name << " " << theirs;
    }
  }
}

TEST_F(MetricsGolden, take_the_length_of_a_reconstruction_where_the_row_is_zero) {
  const Tensor x = torch::tensor({{1.0f, 2.0f, 3.0f}, {0.0f, 0.0f, 0.0f}, {-1.0f, 0.5f, 2.0f}});
  Replay sae(x + 0.1, torch::ones({3, 1}));
  double mean = 0;
  for (const Value& one : values("edge_cases").at("zero_row_x").array("l2_ratio.per_token"))
    mean += *one.as<double>() / 3;
  EXPECT_NEAR(number(Bench(x).run(sae), "l2_ratio"), mean, kPeers);
}

TEST_F(MetricsGolden, equal_what_other_programs_return) {
  const struct {
    const char* program;
    std::vector<std::pair<const char*, const char*>> names;
  } peers[] = {
      {"sae_lens_6.54.12",
       {{"norm", "l2_norm_in"},
        {"norm_of_reconstruction", "l2_norm_out"},
        {"l2_ratio", "l2_ratio"},
        {"relative_reconstruction_bias", "relative_reconstruction_bias"},
        {"l0", "l0"},
        {"l1", "l1"},
        {"explained_variance_legacy", "explained_variance_legacy"},
        {"explained_variance", "explained_variance"},
        {"mse", "mse"},
        {"cosine", "cossim"}}},
      {"saebench_core",
       {{"explained_variance_saebench", "explained_variance"}, {"mse_saebench", "mse"}}},
      {"routesae_repro", {{"nmse", "Normalized_MSE_loss"}, {"l1_by_element", "L1_loss"}}},
      {"dictionary_learning_0.1.0",
       {{"l2_loss", "l2_loss"},
        {"l1", "l1_loss"},
        {"explained_variance_centred", "frac_variance_explained"}}},
      {"sparsify_1.3.3", {{"fvu", "fvu"}}},
  };
  for (const std::string subset : {"all", "masked"}) {
    const Report report = run(kept(subset));
    for (const auto& peer : peers)
      for (const auto& [ours, theirs] : peer.names) {
        const double should =
            golden_.at("peer_functions").at(subset).at(peer.program).number(theirs);
        EXPECT_NEAR(number(report, ours), should, kPeers * std::abs(should))
            << peer.program << " " << theirs;
      }
  }
}
