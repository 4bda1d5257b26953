// Metrics: how sparse the codes are, how well the rows come back, and whether known features were
// found.
#include <facet/plugin.h>
#include <facet/torch.h>

#include <cmath>

#include "hungarian.h"
#include "reconstruction.h"

using namespace facet;

namespace {

// Rows coded together: bounds the memory of dense codes.
constexpr int64_t kBlockRows = 1024;

struct MetricsParams {
  std::string baseline = "untrained";
};

Schema<MetricsParams> schema() {
  return Schema<MetricsParams>().field(
      "baseline", &MetricsParams::baseline,
      "What the figures are compared with: the same SAE before training, or nothing.",
      one_of({"untrained", "none"}));
}

// Host's units, points side by side: [n, points * d].
Tensor in_host_units(const Normaliser& normaliser, const Tensor& x, const Stats& stats) {
  return normaliser.invert(x, stats).flatten(1);
}

void measure(Sae& sae, const Normaliser& normaliser, const Batch& batch, Reconstruction& sums) {
  const Pass pass = sae.pass(batch, Mode::infer);
  const bool as_given = pass.target.is_same(batch.target) && batch.target.is_same(batch.input);
  const Tensor target =
      as_given ? batch.ids.x.flatten(1) : in_host_units(normaliser, pass.target, batch.stats);
  sums.add(target, in_host_units(normaliser, pass.output, batch.stats), pass.codes.dense() > 0);
}

// source: SAELens 6.54, synthetic benchmark.
double mcc(const Sae& sae, const Tensor& dictionary) {
  const auto unit_rows = [](const Tensor& rows) {
    const Tensor wide = rows.detach().cpu().to(torch::kFloat64);
    return wide / wide.norm(2, 1, true).clamp_min(1e-12);
  };
  const Tensor cosine = torch::matmul(unit_rows(sae.decoder(0)), unit_rows(dictionary).t())
                            .abs();  // [d_sae, features]
  const std::vector<int64_t> pairs = best_pairing(cosine);
  double sum = 0;
  int64_t count = 0;
  const auto score = cosine.accessor<double, 2>();
  for (size_t latent = 0; latent < pairs.size(); ++latent) {
    if (pairs[latent] < 0) continue;
    sum += score[static_cast<int64_t>(latent)][pairs[latent]];
    ++count;
  }
  return count == 0 ? std::nan("") : sum / static_cast<double>(count);
}

struct Measure {
  const char* name;
  double (Reconstruction::*of)() const;
  const char* definition;
};

constexpr Measure kMeasures[] = {
    {"nmse", &Reconstruction::nmse,
     "mean over rows of ||x - x^||^2 / ||x||^2, rows that are zero left out; 0 is perfect "
     "(RouteSAE's NMSE)"},
    {"explained_variance", &Reconstruction::explained_variance,
     "1 - E||x - x^||^2 / (E||x||^2 - ||E x||^2); 1 is perfect, 0 is no better than the mean row; "
     "of rows that do not "
     "vary: 1 when x^ = x, else 0 (SAELens 6.45.1 and later)"},
    {"fvu", &Reconstruction::fvu,
     "fraction of variance unexplained: sum ||x - x^||^2 / sum ||x - mean x||^2 over all rows "
     "(sparsify)"},
    {"mse", &Reconstruction::mse,
     "mean over rows of ||x - x^||^2, summed over the width, in the host's units (SAELens 6.45.2 "
     "and later)"},
    {"cosine", &Reconstruction::cosine,
     "mean over rows of the cosine between x and x^, rows where either is zero left out (SAELens)"},
    {"l0", &Reconstruction::l0, "mean number of latents with a value > 0 in a row"},
};

class Metrics final : public Analysis {
 public:
  explicit Metrics(const MetricsParams& params) : with_baseline_(params.baseline == "untrained") {}

  Needs needs() const override { return {.sae = true, .rows = true}; }

  Report run(Context& context) override {
    const torch::NoGradGuard no_gradients;
    const std::unique_ptr<Sae> untrained = with_baseline_ ? context.untrained() : nullptr;
    const std::unique_ptr<ActivationSource> source = context.rows();
    Reconstruction trained, before;
    collect(context, *source, untrained.get(), trained, before);
    if (trained.rows() == 0) throw UserError("metrics: there are no rows to measure");

    Report report;
    report.values.push_back({"rows", trained.rows(), "rows that were measured", {}});
    for (const Measure& measure : kMeasures) {
      Figure figure{measure.name, (trained.*measure.of)(), measure.definition, {}};
      if (untrained) figure.baselines.emplace_back("untrained", (before.*measure.of)());
      report.values.push_back(std::move(figure));
    }
    add_latents(trained, report);
    if (const Tensor dictionary = source->dictionary(); dictionary.defined())
      add_mcc(context.sae(), untrained.get(), dictionary, report);
    return report;
  }

 private:
  static void collect(Context& context, ActivationSource& source, Sae* untrained,
                      Reconstruction& trained, Reconstruction& before) {
    Sae& sae = context.sae();
    const Normaliser& normaliser = context.normaliser();
    const auto device =
        sae.params().empty() ? at::Device(at::kCPU) : sae.params().front().second.device();
    while (true) {
      context.breathe();
      Rows rows = source.next(kBlockRows);
      if (rows.size() == 0) return;
      rows.x = rows.x.to(device);
      const Batch batch = make_batch(normaliser, std::move(rows));
      measure(sae, normaliser, batch, trained);
      if (untrained) measure(*untrained, normaliser, batch, before);
      context.events().progress("metrics", trained.rows(), 0, "rows");
      if (batch.ids.size() < kBlockRows) return;
    }
  }

  static void add_latents(const Reconstruction& trained, Report& report) {
    const int64_t live = trained.live(), latents = trained.latents();
    const double dead = static_cast<double>(latents - live) / static_cast<double>(latents);
    report.values.push_back({"latents", latents, "number of latents (d_sae)", {}});
    report.values.push_back(
        {"live", live, "latents with a value > 0 on at least one of these rows", {}});
    report.values.push_back({"dead",
                             dead,
                             "share of the latents with a value > 0 on none of these rows; "
                             "training counts dead latents "
                             "over train.dead_after_rows instead",
                             {}});
  }

  static void add_mcc(const Sae& sae, const Sae* untrained, const Tensor& dictionary,
                      Report& report) {
    Figure figure{"mcc",
                  mcc(sae, dictionary),
                  "mean |cosine| between the decoder rows of all latents and the true features, "
                  "paired one to one so "
                  "that the sum is largest (Hungarian method); 1: every feature was found "
                  "(SAELens, synthetic benchmark)",
                  {}};
    if (untrained) figure.baselines.emplace_back("untrained", mcc(*untrained, dictionary));
    report.values.push_back(std::move(figure));
  }

  bool with_baseline_;
};

}  // namespace

FACET_PLUGIN("facet.analysis.metrics", FACET_VERSION) {
  registry.add_analysis<Metrics>(
      "metrics", "Sparsity, reconstruction, dead latents, and recovery of known features.",
      schema());
}
