// go_enrichment: which terms of the Gene Ontology stand out among the genes of each latent.
#include <facet/plugin.h>
#include <facet/torch.h>

#include <algorithm>
#include <cstdio>

#include "figures.h"
#include "latents_table.h"
#include "params.h"
#include "terms_table.h"

using namespace facet;

namespace {

constexpr size_t kTermsOf = 10;  // latents whose terms the report shows

std::string csv_field(const std::string& text) {
  if (text.find_first_of(",\"") == std::string::npos) return text;
  std::string out = "\"";
  for (const char c : text) out += c == '"' ? "\"\"" : std::string(1, c);
  return out + "\"";
}

// As the published pipeline joins the files of evals_goe.py: a number, then their columns.
std::string rep_saes_csv(const std::vector<LatentTests>& latents, const Ontology& ontology) {
  std::string out = ",Feature,Term,Name,pvalues\n";
  for (size_t latent = 0; latent < latents.size(); ++latent) {
    int64_t line = 0;
    for (const TermTest& row : latents[latent].rows) {
      const Ontology::Term& term = ontology.term(row.term);
      char p[40];
      std::snprintf(p, sizeof p, "%.17g", row.corrected.front());
      out += std::to_string(line++) + "," + std::to_string(latent) + "," + term.id + "," +
             csv_field(term.name) + "," + p + "\n";
    }
  }
  return out;
}

TableRef write_notes(Context& context, const Input& input) {
  const Column column = {"note",
                         "what was read, what was passed over and how often, and which genes have "
                         "no terms and why"};
  Table table(std::vector<Column>{column});
  for (const std::string& note : input.notes()) table.add({Value(note)});
  return context.write("go_input.tsv", "What the files gave.", table, table.rows().size());
}

class GoEnrichment final : public Analysis {
 public:
  explicit GoEnrichment(const GoParams& params) : params_(params) {}

  Needs needs() const override { return {.codes = true}; }

  Report run(Context& context) override {
    const CodesReader& codes = context.codes();
    const Genes genes(codes, params_);
    const Input input(genes, params_);
    for (const std::string& note : input.notes()) context.events().info("go_enrichment", note);
    const auto breathe = [&](int64_t done, int64_t total) {
      context.breathe();
      context.events().progress("go_enrichment", done, total, "latents");
    };
    const uint64_t seed = context.rng("draws").next();
    const std::vector<LatentTests> latents =
        test_latents(codes, genes, input, params_, seed, breathe);
    int64_t by_chance = -1;
    if (params_.permuted_baseline)
      by_chance = enriched_by_chance(latents, input, params_, context.rng("permuted"), breathe);

    const Telling telling{genes, input, params_};
    const std::vector<int64_t> order = best_latents(latents);
    const std::vector<int64_t> first(
        order.begin(), order.begin() + static_cast<int64_t>(std::min(order.size(), kTermsOf)));
    Report report;
    report.values = figures_of(latents, telling, by_chance);
    report.tables.push_back(write_latents(context, latents, telling, order));
    report.tables.push_back(write_terms(context, latents, telling, first));
    report.tables.push_back(write_notes(context, input));
    if (params_.profile == "rep_saes")
      context.write_file("goe_per_feature.csv", rep_saes_csv(latents, input.ontology()));
    return report;
  }

 private:
  GoParams params_;
};

}  // namespace

FACET_PLUGIN("facet.analysis.go_enrichment", FACET_VERSION) {
  registry.add_analysis<GoEnrichment>(
      "go_enrichment", "Which terms of the Gene Ontology stand out among the genes of each latent.",
      go_schema());
}
