// go_enrichment: which terms of the Gene Ontology stand out among the genes of each latent.
#include <facet/plugin.h>
#include <facet/torch.h>

#include <algorithm>
#include <set>

#include "latents_table.h"
#include "params.h"
#include "terms_table.h"

using namespace facet;

namespace {

// The middle of the values; 0 of none.
double median(std::vector<double> values) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  return (values[(values.size() - 1) / 2] + values[values.size() / 2]) / 2;
}

double share(int64_t part, int64_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
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

    Report report;
    report.values = figures(latents, input, genes, by_chance);
    const std::vector<int64_t> order = best_latents(latents);
    const Telling telling{genes, input, params_};
    report.tables.push_back(write_latents(context, latents, telling, order));
    report.tables.push_back(write_terms(
        context, latents, telling,
        {order.begin(), order.begin() + static_cast<int64_t>(std::min<size_t>(order.size(), 10))}));
    report.tables.push_back(write_notes(context, input));
    if (params_.profile == "rep_saes")
      context.write_file("goe_per_feature.csv", rep_saes_csv(latents, input));
    return report;
  }

 private:
  std::vector<Figure> figures(const std::vector<LatentTests>& latents, const Input& input,
                              const Genes& genes, int64_t by_chance) const {
    const std::string test = test_text(params_);
    int64_t live = 0, significant = 0, terms_tested = 0;
    std::vector<double> terms, contents;
    std::set<int32_t> covered;
    std::vector<int64_t> of_term(static_cast<size_t>(input.ontology().size()), 0);
    for (const LatentTests& latent : latents) {
      live += !latent.genes.empty();
      significant += !latent.rows.empty();
      terms_tested = std::max(terms_tested, latent.tested);
      double enriched = 0, content = 0;
      for (const TermTest& row : latent.rows) {
        if (!row.enriched()) continue;
        ++enriched;
        content = std::max(content, information_content(row.K, row.N));
        covered.insert(row.term);
        ++of_term[static_cast<size_t>(row.term)];
      }
      if (enriched == 0) continue;
      terms.push_back(enriched);
      contents.push_back(content);
    }
    std::vector<double> latents_of_term;
    for (const int32_t term : covered)
      latents_of_term.push_back(static_cast<double>(of_term[static_cast<size_t>(term)]));
    const int64_t enriched = enriched_latents(latents);
    std::vector<std::pair<std::string, Value>> chance, chance_share;
    if (by_chance >= 0) {
      chance = {{"permuted", by_chance}};
      chance_share = {{"permuted", share(by_chance, live)}};
    }
    return {
        {"genes", static_cast<int64_t>(genes.names().size()), "genes that the rows are of", {}},
        {"annotated", input.match().annotated, "of them those with a term in the GAF file", {}},
        {"live", live, "latents with a gene, by set_rule = \"" + params_.set_rule + "\"", {}},
        {"tested_terms", terms_tested, "terms tested of the latent with most", {}},
        {"enriched", enriched, "latents with a term that is enriched: " + test, chance},
        {"enriched_share", share(enriched, live), "enriched / live", chance_share},
        {"significant", significant, "latents with a term that is enriched or purified", {}},
        {"median_terms", median(terms), "median over enriched latents of their enriched terms", {}},
        {"median_ic",
         median(contents),
         "median over enriched latents of the largest -ln(K / N) of their enriched terms",
         {}},
        {"terms_covered",
         static_cast<int64_t>(covered.size()),
         "terms that are enriched in some latent",
         {}},
        {"latents_of_term",
         median(latents_of_term),
         "median over these terms of the latents in which they are enriched",
         {}}};
  }

  TableRef write_notes(Context& context, const Input& input) const {
    const Column note = {"note",
                         "what was read, what was passed over and how often, and which genes have "
                         "no terms and why"};
    Table table(std::vector<Column>{note});
    for (const std::string& note : input.notes()) table.add({Value(note)});
    return context.write("go_input.tsv", "What the files gave.", table, table.rows().size());
  }

  // As the published pipeline joins its files: an index, then what evals_goe.py writes.
  std::string rep_saes_csv(const std::vector<LatentTests>& latents, const Input& input) const {
    std::string out = ",Feature,Term,Name,pvalues\n";
    for (size_t latent = 0; latent < latents.size(); ++latent) {
      int64_t index = 0;
      for (const TermTest& row : latents[latent].rows) {
        const Ontology::Term& term = input.ontology().term(row.term);
        const bool quoted = term.name.find_first_of(",\"") != std::string::npos;
        std::string name = term.name;
        for (size_t at = 0; (at = name.find('"', at)) != std::string::npos; at += 2)
          name.insert(at, 1, '"');
        char p[40];
        std::snprintf(p, sizeof p, "%.17g", row.corrected.front());
        out += std::to_string(index++) + "," + std::to_string(latent) + "," + term.id + "," +
               (quoted ? "\"" + name + "\"" : name) + "," + p + "\n";
      }
    }
    return out;
  }

  GoParams params_;
};

}  // namespace

FACET_PLUGIN("facet.analysis.go_enrichment", FACET_VERSION) {
  registry.add_analysis<GoEnrichment>(
      "go_enrichment", "Which terms of the Gene Ontology stand out among the genes of each latent.",
      go_schema());
}
