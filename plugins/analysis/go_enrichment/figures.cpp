// Bodies of the figures.
#include "figures.h"

#include <algorithm>
#include <map>

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

struct Summary {
  int64_t live = 0, significant = 0, tested_terms = 0;
  std::vector<double> terms, contents;   // of each enriched latent: how many, the largest IC
  std::map<int32_t, double> latents_of;  // enriched term -> latents

  explicit Summary(const std::vector<LatentTests>& latents) {
    for (const LatentTests& latent : latents) {
      live += !latent.genes.empty();
      significant += !latent.rows.empty();
      tested_terms = std::max(tested_terms, latent.tested);
      double enriched = 0, content = 0;
      for (const TermTest& row : latent.rows) {
        if (!row.enriched()) continue;
        ++enriched;
        content = std::max(content, information_content(row.K, row.N));
        ++latents_of[row.term];
      }
      if (enriched == 0) continue;
      terms.push_back(enriched);
      contents.push_back(content);
    }
  }
};

}  // namespace

std::vector<Figure> figures_of(const std::vector<LatentTests>& latents, const Telling& telling,
                               int64_t by_chance) {
  const Summary all(latents);
  const GoParams& params = telling.params;
  const int64_t enriched = enriched_latents(latents);
  std::vector<double> latents_of_term;
  for (const auto& [term, count] : all.latents_of) latents_of_term.push_back(count);
  std::vector<Figure> out;
  const auto add = [&](const char* name, Value value, const std::string& definition,
                       std::vector<std::pair<std::string, Value>> baselines = {}) {
    out.push_back({name, std::move(value), definition, std::move(baselines)});
  };
  std::vector<std::pair<std::string, Value>> chance, chance_share;
  if (by_chance >= 0) {
    chance = {{"permuted", by_chance}};
    chance_share = {{"permuted", share(by_chance, all.live)}};
  }
  add("genes", static_cast<int64_t>(telling.genes.names().size()), "genes that the rows are of");
  add("annotated", telling.input.match().annotated, "of them those with a term in the GAF file");
  add("live", all.live, "latents with a gene, by set_rule = \"" + params.set_rule + "\"");
  add("tested_terms", all.tested_terms, "terms tested of the latent with most");
  add("enriched", enriched, "latents with a term that is enriched: " + test_text(params), chance);
  add("enriched_share", share(enriched, all.live), "enriched / live", chance_share);
  add("significant", all.significant, "latents with a term that is enriched or purified");
  add("median_terms", median(all.terms), "median over enriched latents of their enriched terms");
  add("median_ic", median(all.contents),
      "median over enriched latents of the largest -ln(K / N) of their enriched terms");
  add("terms_covered", static_cast<int64_t>(all.latents_of.size()),
      "terms that are enriched in some latent");
  add("latents_of_term", median(latents_of_term),
      "median over these terms of the latents in which they are enriched");
  if (by_chance < 0) return out;
  const std::string permuted = ", after genes changed places at random within classes of length";
  add("enriched_permuted", by_chance, "enriched" + permuted);
  add("enriched_share_permuted", share(by_chance, all.live), "enriched_share" + permuted);
  return out;
}
