// GO pairwise: how close the enriched terms of a latent lie to one another in the ontology, beside
// random terms.
#include <facet/plugin.h>
#include <facet/torch.h>

#include "baselines.h"
#include "bins.h"
#include "facet/ontology.h"
#include "figures.h"
#include "findings.h"
#include "latent_terms.h"
#include "pictures.h"
#include "samples.h"
#include "term_graph.h"
#include "term_table.h"

using namespace facet;

namespace {

constexpr const char* kTermsFile = "go_terms.tsv";

struct PairwiseParams {
  std::string form = "corrected";
  std::string obo;
  std::string terms;
  std::string of = "go_enrichment";
  std::string gaf;
  double alpha = 0.05;
  double cap = 50;
  int64_t max_terms = 50;
  int64_t baseline_terms = 150;
  int64_t resamples = 1000;
};

Schema<PairwiseParams> schema() {
  return Schema<PairwiseParams>()
      .field("form", &PairwiseParams::form,
             "corrected: enriched terms, paths in edges, pairs against pairs, p corrected over the "
             "bins; rep_saes: purified terms too, paths in nodes, means of latents against pairs, "
             "each p by itself, all terms, as "
             "Rep_SAEs_PLMs has it.",
             one_of({"corrected", "rep_saes"}))
      .presets("form", {{"rep_saes", Value(Value::Table{{"max_terms", 0}})}})
      .field("obo", &PairwiseParams::obo, "The ontology, an OBO file.", required, input_path)
      .field(
          "terms", &PairwiseParams::terms,
          "Enriched terms: a go_terms.tsv, a table with the columns Feature, Term and pvalues, "
          "or a folder of feature0_goe.csv, feature1_goe.csv, ...; empty: what the analysis `of` "
          "wrote in this run.",
          input_path)
      .field("of", &PairwiseParams::of,
             "Name of the analysis of the same SAE, earlier in this run, whose go_terms.tsv is "
             "read when `terms` is empty.")
      .field("gaf", &PairwiseParams::gaf,
             "Annotations, a GAF file: the constrained baseline draws from terms that some gene "
             "has directly; empty: from the terms that the table names.",
             input_path)
      .field("alpha", &PairwiseParams::alpha, "Terms with a corrected p below it stay.",
             between(0, 1))
      .field("cap", &PairwiseParams::cap, "Largest weight -log10 p of a term, also where p is 0.",
             above(0))
      .field("max_terms", &PairwiseParams::max_terms,
             "Terms of a latent and namespace that are paired, those of smallest p; 0: all. n of "
             "them make n (n - 1) / 2 pairs.",
             at_least(0))
      .field("baseline_terms", &PairwiseParams::baseline_terms,
             "Random terms of each namespace, all of whose pairs are a baseline.", at_least(2))
      .field("resamples", &PairwiseParams::resamples,
             "Resamples of the bootstrap behind the intervals; 0: no intervals.", at_least(0));
}

using Bins = std::vector<std::pair<std::string, std::vector<DepthBin>>>;

class GoPairwise final : public Analysis {
 public:
  explicit GoPairwise(const PairwiseParams& params)
      : params_(params), form_(params.form == "rep_saes" ? Form::rep_saes : Form::corrected) {}

  Needs needs() const override { return {}; }

  Report run(Context& context) override {
    const std::vector<EnrichedTerm> table = read_terms(context);
    const Ontology ontology = Ontology::read(params_.obo);
    const LatentTerms terms = latent_terms(
        table, ontology, {params_.alpha, params_.cap, form_ == Form::rep_saes, params_.max_terms});
    say(context, "ontology", ontology.passed_over());
    say(context, "table of terms", terms.left_out);
    const std::vector<Baseline> baselines = draw_baselines(
        ontology, terms_in_use(context, ontology, terms), params_.baseline_terms, context);
    const TermGraph graph(ontology);
    const PairRelations relations(graph, pairs_to_measure(terms.groups, baselines),
                                  form_ == Form::rep_saes ? KeepPaths::yes : KeepPaths::no,
                                  [&](int64_t done, int64_t all) {
                                    context.breathe();
                                    context.events().progress("go_pairwise", done, all, "terms");
                                  });

    Findings found;
    const Ruler ruler{graph, relations, form_};
    measure_latents(context, ruler, terms.groups, found);
    measure_baselines(context, ruler, baselines, in_use_text(), found);
    if (found.apart + found.random_apart > 0)
      context.events().warn("go_pairwise.apart",
                            std::to_string(found.apart) + " pairs of a latent's terms and " +
                                std::to_string(found.random_apart) +
                                " of random terms left out: is_a gives them no path or no common "
                                "ancestor");
    return report_of(context, terms, found);
  }

 private:
  std::vector<EnrichedTerm> read_terms(Context& context) const {
    if (!params_.terms.empty()) return load_terms(params_.terms);
    const auto text = context.read_file(params_.of, kTermsFile);
    if (!text)
      throw UserError("go_pairwise.terms: not given, and the analysis \"" + params_.of +
                      "\" wrote no " + kTermsFile +
                      " for this SAE earlier in this run: analyse with it first, or name a table");
    return parse_terms(*text, kTermsFile);
  }

  // What the constrained baseline draws from.
  std::vector<int32_t> terms_in_use(Context& context, const Ontology& ontology,
                                    const LatentTerms& terms) const {
    if (params_.gaf.empty()) return terms.used;
    const Annotations annotations = Annotations::read(params_.gaf, ontology);
    say(context, "annotations", annotations.passed_over());
    return annotated_terms(annotations);
  }

  static void say(Context& context, const std::string& of, const std::vector<PassedOver>& all) {
    for (const PassedOver& one : all)
      context.events().info("go_pairwise.left_out", of + ": " + one.what + ": " +
                                                        std::to_string(one.times) +
                                                        " left out (such as " + one.first + ")");
  }

  std::string in_use_text() const {
    return params_.gaf.empty() ? "the table of terms names them; a GAF file was not given"
                               : "some gene of the GAF file has them directly";
  }

  Report report_of(Context& context, const LatentTerms& terms, Findings& found) const {
    Report report;
    report.values = {
        {"latents", static_cast<int64_t>(found.latents.size()),
         "latents with two enriched terms of one namespace at least"},
        {"pairs", static_cast<int64_t>(found.pairs[kAll].depth.size()),
         "pairs of enriched terms of one latent and one namespace"},
        {"unknown_terms", terms.unknown,
         "rows of the table of terms whose term the OBO file has not, or has as obsolete"}};
    const std::vector<Figure> means = mean_figures(found.latents, found.random, form_,
                                                   params_.resamples, context.rng("bootstrap"));
    report.values.insert(report.values.end(), means.begin(), means.end());
    report.tables.push_back(context.write("pairwise_means.tsv",
                                          "Means over the pairs of each latent and namespace.",
                                          means_table(found.latents), 5));
    report.tables.insert(report.tables.end(), found.tables.begin(), found.tables.end());

    const Samples of_latents = samples_of_means(found.latents, form_);
    const Samples& real = form_ == Form::rep_saes ? of_latents : found.pairs;
    for (const size_t scope : kScopeOrder) {
      context.breathe();
      Bins bins;
      for (const RandomPairs& baseline : found.random)
        bins.emplace_back(baseline.name, depth_bins(real[scope], baseline.pairs[scope], form_));
      const TableRef ref = write_bins(context, bins, scope);
      if (scope == kAll) report.tables.push_back(ref);
      report.plots.push_back(scatter_plot(of_latents[scope], scope, form_));
      report.plots.push_back(boxes_plot(bins, scope, form_));
    }
    return report;
  }

  TableRef write_bins(Context& context, const Bins& bins, size_t scope) const {
    return context.write(std::string("pairwise_bins_") + kScopeNames[scope] + ".tsv",
                         "Paths by the depth of the lowest common ancestor, beside random pairs. "
                         "pairwise_bins_bp.tsv, _mf and _cc have it by namespace.",
                         bins_table(bins, form_), SIZE_MAX);
  }

  PairwiseParams params_;
  Form form_;
};

}  // namespace

FACET_PLUGIN("facet.analysis.go_pairwise", FACET_VERSION) {
  registry.add_analysis<GoPairwise>(
      "go_pairwise",
      "How close the enriched GO terms of each latent lie to one another, beside random terms.",
      schema());
}
