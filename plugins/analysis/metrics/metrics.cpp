// Metrics: how sparse the codes are, how well the rows come back, and whether known features were
// found.
#include <facet/measures.h>
#include <facet/plugin.h>
#include <facet/torch.h>

#include "densities.h"
#include "recovery.h"

using namespace facet;

namespace {

// Rows coded together: bounds the memory of a pass.
constexpr int64_t kBlockRows = 1024;
// Groups that a bootstrap draws from: bounds the memory of sums by sequence.
constexpr size_t kMostGroups = 4096;

struct MetricsParams {
  std::string baseline = "untrained";
  std::string figures = "main";
  int64_t resamples = 1000;
};

Schema<MetricsParams> schema() {
  return Schema<MetricsParams>()
      .field("baseline", &MetricsParams::baseline,
             "What the figures are compared with: the same SAE before training, or nothing.",
             one_of({"untrained", "none"}))
      .field(
          "figures", &MetricsParams::figures,
          "main: one definition of each word; all: also the other definitions of nmse, explained "
          "variance, mse and l1 that papers and programs use.",
          one_of({"main", "all"}))
      .field("resamples", &MetricsParams::resamples,
             "Resamples of the bootstrap behind the intervals; 0: no intervals.", at_least(0));
}

class Metrics final : public Analysis {
 public:
  explicit Metrics(const MetricsParams& params) : params_(params) {}

  Needs needs() const override { return {.sae = true, .rows = true}; }

  Report run(Context& context) override {
    const torch::NoGradGuard no_gradients;
    const std::unique_ptr<Sae> before =
        params_.baseline == "untrained" ? context.untrained() : nullptr;
    const std::unique_ptr<ActivationSource> source = context.rows();
    const int64_t points = context.sae().shape(source->shape()).points_out;
    Measured trained(context.sae(), points, kMostGroups);
    std::optional<Measured> untrained;
    if (before) untrained.emplace(*before, points, kMostGroups);
    collect(context, *source, trained, untrained);
    if (trained.rows() == 0) throw UserError("metrics: there are no rows to measure");

    Report report;
    report.values = {{"rows", trained.rows(), "rows that were measured"},
                     {"sequences", trained.latents().sequences(), "sequences the rows come from"}};
    const Tensor dictionary = source->dictionary();
    add_measures(context, trained, untrained, dictionary.defined() ? "rows" : "sequences", report);
    if (params_.figures == "all") add_by_column(trained, untrained, report);
    add_latents(trained, untrained, report);
    if (dictionary.defined()) add_mcc(trained, untrained, dictionary, report);
    report.plots.push_back(density_plot(trained, untrained));
    report.tables.push_back(write_densities(context, trained.latents()));
    return report;
  }

 private:
  using Baseline = std::optional<Measured>;

  static void collect(Context& context, ActivationSource& source, Measured& trained,
                      Baseline& untrained) {
    const Normaliser& normaliser = context.normaliser();
    const at::Device device = trained.sae().device();
    while (true) {
      context.breathe();
      Rows rows = source.next(kBlockRows);
      if (rows.size() == 0) return;
      rows.x = rows.x.to(device);
      const Batch batch = make_batch(normaliser, std::move(rows));
      trained.add(normaliser, batch);
      if (untrained) untrained->add(normaliser, batch);
      context.events().progress("metrics", trained.rows(), 0, "rows");
      if (batch.ids.size() < kBlockRows) return;
    }
  }

  std::vector<Measure> chosen_measures() const {
    std::vector<Measure> chosen;
    for (const Measure& measure : measures())
      if (measure.shown == Shown::always || params_.figures == "all") chosen.push_back(measure);
    return chosen;
  }

  void add_measures(Context& context, const Measured& trained, const Baseline& untrained,
                    const std::string& group, Report& report) const {
    const std::vector<Measure> chosen = chosen_measures();
    const FiguresOfSums figures = [&](const std::vector<double>& sums) {
      std::vector<double> out;
      for (const Measure& measure : chosen) out.push_back(measure.of(sums));
      return out;
    };
    const GroupSums& groups = trained.groups();
    const bool merged = trained.latents().sequences() > static_cast<int64_t>(groups.groups());
    const std::string of = merged ? std::to_string(groups.groups()) + " groups of " + group : group;
    Rng rng = context.rng("bootstrap");
    const auto intervals = bootstrap(groups, figures, {params_.resamples, 0.95, of}, rng);
    const std::vector<double> values = figures(groups.total());
    std::vector<double> plain;
    if (untrained) plain = figures(untrained->groups().total());
    for (size_t i = 0; i < chosen.size(); ++i) {
      Figure figure{chosen[i].name, values[i], chosen[i].definition};
      if (untrained) figure.baselines.emplace_back("untrained", plain[i]);
      figure.interval = intervals[i];
      figure.target = chosen[i].target;
      report.values.push_back(std::move(figure));
    }
  }

  static void add(Report& report, const std::string& name, const std::string& definition,
                  const Measured& trained, const Baseline& untrained,
                  const std::function<Value(const Measured&)>& of, const std::string& target = "") {
    Figure figure{name, of(trained), definition};
    if (untrained) figure.baselines.emplace_back("untrained", of(*untrained));
    figure.target = target;
    report.values.push_back(std::move(figure));
  }

  static void add_by_column(const Measured& trained, const Baseline& untrained, Report& report) {
    add(report, "explained_variance_centred",
        "1 - sum var(x - x^) / sum var(x) over the columns: the mean is taken out of the error as "
        "well, so a constant offset of every reconstruction is not seen (dictionary_learning)",
        trained, untrained, [](const Measured& s) { return s.centred_explained_variance(); });
    add(report, "nmse_by_column",
        "mean over columns of sum (x - x^)^2 / max(1, sum (x - mean x)^2), sums over all rows "
        "(OpenSAE)",
        trained, untrained, [](const Measured& s) { return s.nmse_by_column(); });
  }

  static void add_latents(const Measured& trained, const Baseline& untrained, Report& report) {
    report.values.push_back({"latents", trained.latents().latents(), "number of latents (d_sae)"});
    add(report, "live", "latents with a value > 0 on at least one of these rows", trained,
        untrained, [](const Measured& s) { return s.latents().live(); });
    add(
        report, "dead",
        "share of the latents with a value > 0 on none of these rows; training counts dead latents "
        "over train.dead_after_rows instead",
        trained, untrained, [](const Measured& s) { return s.latents().dead_share(); },
        "below 0.1 (0.07 in the largest SAE of Gao et al. 2024, arXiv:2406.04093)");
    add(report, "over_10_percent", "share of the latents that fire on more than 0.1 of the rows",
        trained, untrained, [](const Measured& s) { return s.latents().share_above(0.1); });
    add(report, "over_1_percent", "share of the latents that fire on more than 0.01 of the rows",
        trained, untrained, [](const Measured& s) { return s.latents().share_above(0.01); });
  }

  static void add_mcc(const Measured& trained, const Baseline& untrained, const Tensor& dictionary,
                      Report& report) {
    add(
        report, "mcc",
        "mean |cosine| between the decoder rows of all latents and the true features, paired one "
        "to one so that the sum is largest (Hungarian method); 1: every feature was found "
        "(SAELens, synthetic benchmark)",
        trained, untrained,
        [&](const Measured& s) { return mean_matched_cosine(s.sae(), dictionary); }, "1");
  }

  static Plot density_plot(const Measured& trained, const Baseline& untrained) {
    Plot plot;
    plot.name = "density";
    plot.title =
        "How often latents fire: number of latents by the share of rows on which they do, "
        "as a power of ten; " +
        std::to_string(trained.latents().latents() - trained.latents().live()) + " of " +
        std::to_string(trained.latents().latents()) + " never fire and stand in no bar.";
    plot.x_label = "log10(share of rows)";
    plot.y_label = "latents";
    plot.mark = Mark::bars;
    plot.series = {density_histogram(trained.latents(), "trained")};
    if (untrained) plot.series.push_back(density_histogram(untrained->latents(), "untrained"));
    return plot;
  }

  static TableRef write_densities(Context& context, const LatentCounts& latents) {
    constexpr size_t kShown = 5;
    TableRef ref =
        context.write("latent_density.tsv",
                      "How often each latent fires: the most frequent ones. The file has "
                      "every latent, by number.",
                      density_table(latents), 0);
    ref.head = most_frequent(latents, kShown);
    return ref;
  }

  MetricsParams params_;
};

}  // namespace

FACET_PLUGIN("facet.analysis.metrics", FACET_VERSION) {
  registry.add_analysis<Metrics>(
      "metrics", "Sparsity, reconstruction, dead latents, and recovery of known features.",
      schema());
}
