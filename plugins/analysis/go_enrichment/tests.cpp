// Bodies of the tests.
#include "tests.h"

#include <facet/torch.h>

#include <algorithm>

using namespace facet;

namespace {

UnitSets sets_of(const std::vector<LatentTests>& latents, const Input::Part& part,
                 const GoParams& params) {
  UnitSets sets;
  for (const LatentTests& latent : latents) {
    std::vector<int32_t> units;
    for (const Genes::Valued& gene : latent.genes)
      if (const int32_t unit = part.unit_of_gene[static_cast<size_t>(gene.gene)]; unit >= 0)
        units.push_back(unit);
    std::sort(units.begin(), units.end());
    units.erase(std::unique(units.begin(), units.end()), units.end());
    if (static_cast<int64_t>(units.size()) < params.least_genes) units.clear();
    sets.add(std::move(units));
  }
  return sets;
}

EnrichmentHow how_in(const Input::Part& part, const GoParams& params, uint64_t seed) {
  EnrichmentHow how = how_of(params, seed);
  how.aspects = part.aspects;
  how.stratum = part.stratum;
  return how;
}

}  // namespace

std::vector<LatentTests> test_latents(const CodesReader& codes, const Genes& genes,
                                      const Input& input, const GoParams& params, uint64_t seed,
                                      const std::function<void(int64_t, int64_t)>& breathe) {
  std::vector<LatentTests> out(static_cast<size_t>(codes.d_sae()));
  for (size_t latent = 0; latent < out.size(); ++latent)
    out[latent].genes = genes.chosen(genes.of(static_cast<int64_t>(latent)), params);
  const auto total = static_cast<int64_t>(out.size() * input.parts().size());
  int64_t before = 0;
  for (const Input::Part& part : input.parts()) {
    const std::vector<SetResult> results = enrichment(
        input.ontology(), part.population, sets_of(out, part, params), how_in(part, params, seed),
        Keep::significant, [&](int64_t done) { breathe(before + done, total); });
    before += codes.d_sae();
    for (size_t latent = 0; latent < out.size(); ++latent) {
      out[latent].tested += results[latent].tested;
      auto& rows = out[latent].rows;
      rows.insert(rows.end(), results[latent].rows.begin(), results[latent].rows.end());
    }
  }
  if (input.parts().size() > 1)
    for (LatentTests& latent : out)
      std::stable_sort(latent.rows.begin(), latent.rows.end(),
                       [](const TermTest& a, const TermTest& b) { return a.p < b.p; });
  return out;
}

int64_t enriched_by_chance(const std::vector<LatentTests>& latents, const Input& input,
                           const GoParams& params, Rng rng,
                           const std::function<void(int64_t, int64_t)>& breathe) {
  std::vector<bool> enriched(latents.size(), false);
  for (const Input::Part& part : input.parts()) {
    EnrichmentHow how = how_in(part, params, 0);
    how.permutations = 0;
    const UnitSets moved =
        permuted(sets_of(latents, part, params), part.population.size(), part.stratum, rng);
    const auto results =
        enrichment(input.ontology(), part.population, moved, how, Keep::significant,
                   [&](int64_t done) { breathe(done, static_cast<int64_t>(latents.size())); });
    for (size_t latent = 0; latent < latents.size(); ++latent)
      for (const TermTest& row : results[latent].rows)
        if (row.enriched()) enriched[latent] = true;
  }
  return std::count(enriched.begin(), enriched.end(), true);
}

int64_t enriched_latents(const std::vector<LatentTests>& latents) {
  return std::count_if(latents.begin(), latents.end(), [](const LatentTests& latent) {
    return std::any_of(latent.rows.begin(), latent.rows.end(),
                       [](const TermTest& row) { return row.enriched(); });
  });
}
