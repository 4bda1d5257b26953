// Body of go_latents.tsv.
#include "latents_table.h"

#include <algorithm>
#include <tuple>

using namespace facet;

namespace {

constexpr size_t kLatentsShown = 10;  // latents in the report
constexpr size_t kProteins = 5;       // of each latent
constexpr int64_t kLeastShown = 5;    // genes of the best term
constexpr size_t kDescription = 48;   // letters

std::vector<Column> latent_columns(const GoParams& params) {
  std::vector<Column> out = {{"latent", "number of the latent, from 0"},
                             {"genes", "of the latent, by set_rule = \"" + params.set_rule + "\""},
                             {"tested", "terms"},
                             {"enriched", "significant terms that are more frequent among them"},
                             {"purified", "significant terms that are no more frequent"},
                             {"best_GO", "of the enriched terms the one with the largest F1"},
                             {"best_NS", "its namespace"},
                             {"best_name", "its name"},
                             {"k", "genes of the latent that have it"},
                             {"K", "genes of the population that have it"},
                             {"p_" + params.correction, "p corrected: " + test_text(params)},
                             {"ic", "information content of that term, -ln(K / N)"},
                             {"f1", "2 k / (genes + K)"}};
  if (params.auroc) out.push_back({"auroc", "of that term's genes, ranked by the latent"});
  out.push_back({"proteins", "the latent's strongest genes, with what their records say"});
  return out;
}

// "MAPK regulated corepressor OS=Homo sapiens ..." -> "MAPK regulated corepressor".
std::string short_text(const std::string& description) {
  std::string out = description.substr(0, description.find(" OS="));
  if (out.size() <= kDescription) return out;
  out.resize(out.find_last_of(' ', kDescription) == std::string::npos
                 ? kDescription
                 : out.find_last_of(' ', kDescription));
  return out + " ...";
}

std::string proteins(const LatentTests& latent, const Genes& genes) {
  std::string out;
  for (size_t i = 0; i < std::min(kProteins, latent.genes.size()); ++i) {
    const int32_t gene = latent.genes[i].gene;
    const std::string about = short_text(genes.info(gene).description);
    out += (i == 0 ? "" : "; ") + genes.names()[static_cast<size_t>(gene)] +
           (about.empty() ? "" : " " + about);
  }
  return out;
}

std::vector<Value> latent_row(int64_t number, const LatentTests& latent, const Telling& telling) {
  const auto enriched = std::count_if(latent.rows.begin(), latent.rows.end(),
                                      [](const TermTest& row) { return row.enriched(); });
  std::vector<Value> out = {number, static_cast<int64_t>(latent.genes.size()), latent.tested,
                            static_cast<int64_t>(enriched),
                            static_cast<int64_t>(latent.rows.size()) - enriched};
  if (const TermTest* best = best_term(latent)) {
    const Ontology::Term& term = telling.input.ontology().term(best->term);
    for (Value value : {Value(term.id), Value(short_name(term.aspect)), Value(term.name),
                        Value(best->k), Value(best->K), Value(best->corrected.front()),
                        Value(information_content(best->K, best->N)), Value(f1(*best))})
      out.push_back(std::move(value));
    if (telling.params.auroc)
      out.emplace_back(ranks(telling.genes, telling.input, number, *best).auroc);
  } else {
    out.resize(out.size() + (telling.params.auroc ? 9 : 8), Value(""));
  }
  out.emplace_back(proteins(latent, telling.genes));
  return out;
}

}  // namespace

const TermTest* best_term(const LatentTests& latent) {
  const TermTest* best = nullptr;
  for (const TermTest& row : latent.rows)
    if (row.enriched() && (!best || f1(row) > f1(*best))) best = &row;
  return best;
}

std::vector<int64_t> best_latents(const std::vector<LatentTests>& latents) {
  std::vector<std::tuple<bool, double, int64_t>> order;
  for (size_t latent = 0; latent < latents.size(); ++latent)
    if (const TermTest* best = best_term(latents[latent]))
      order.emplace_back(best->k < kLeastShown, -f1(*best), static_cast<int64_t>(latent));
  std::sort(order.begin(), order.end());
  std::vector<int64_t> out;
  for (const auto& one : order) out.push_back(std::get<2>(one));
  return out;
}

TableRef write_latents(Context& context, const std::vector<LatentTests>& latents,
                       const Telling& telling, const std::vector<int64_t>& order) {
  Table table(latent_columns(telling.params)), head(latent_columns(telling.params));
  for (size_t latent = 0; latent < latents.size(); ++latent)
    table.add(latent_row(static_cast<int64_t>(latent), latents[latent], telling));
  for (size_t i = 0; i < std::min(kLatentsShown, order.size()); ++i)
    head.add(latent_row(order[i], latents[static_cast<size_t>(order[i])], telling));
  TableRef ref = context.write(
      "go_latents.tsv",
      "The latents that are most like a term of GO (largest F1 of their best term, which has at "
      "least " +
          std::to_string(kLeastShown) +
          " of their genes), with their strongest proteins. The file has every latent, by number.",
      table, kLatentsShown);
  ref.head = std::move(head);
  return ref;
}
