// Body of go_terms.tsv.
#include "terms_table.h"

#include <facet/torch.h>

#include <algorithm>

using namespace facet;

namespace {

constexpr size_t kLatentsAtOnce = 256;
constexpr size_t kTermsShown = 3;  // of each latent, in the report

std::vector<Column> term_columns(const GoParams& params) {
  std::vector<Column> out = {
      {"latent", "number of the latent, from 0"},
      {"GO", "id of the term"},
      {"NS", "namespace: BP, MF or CC"},
      {"enrichment", "e: more of the latent's genes have it than of the population's; p: no more"},
      {"name", "of the term"},
      {"ratio_in_study", "the latent's genes that have the term / its genes"},
      {"ratio_in_pop", "the population's genes that have the term / its genes"},
      {"fold_enrichment", "the first ratio divided by the second"},
      {"p_uncorrected", "Fisher's exact test, " + params.direction},
      {"depth", "of the term: longest way to its root, in is_a edges"},
      {"study_count", "the latent's genes that have the term"},
      {"p_" + params.correction, "p corrected: " + test_text(params)}};
  if (params.permutations > 0)
    out.push_back({"p_permutation",
                   "share of random gene sets, as large and as long, with a term of so small a p "
                   "(Westfall and Young, single step)"});
  out.push_back({"ic", "information content, -ln(genes with the term / genes)"});
  out.push_back({"f1", "2 k / (n + K): how alike the latent's genes and the term's are"});
  if (params.auroc) {
    out.push_back({"auroc",
                   "chance that the latent is stronger on a gene with the term than on "
                   "one without, ties count half"});
    out.push_back({"average_precision", "of the genes with the term, ranked by the latent"});
  }
  out.push_back({"study_items", "the latent's genes that have the term, strongest first"});
  return out;
}

std::string ratio(int64_t part, int64_t whole) {
  return std::to_string(part) + "/" + std::to_string(whole);
}

bool has(const Population& population, int32_t unit, int32_t term) {
  const auto begin = population.term.begin() + population.start[static_cast<size_t>(unit)];
  const auto end = population.term.begin() + population.start[static_cast<size_t>(unit) + 1];
  return std::binary_search(begin, end, term);
}

std::string genes_with(const LatentTests& latent, const TermTest& row, const Telling& telling) {
  const Input::Part& part = telling.input.part_of(telling.input.ontology().term(row.term).aspect);
  std::string out;
  int64_t listed = 0;
  for (const Genes::Valued& gene : latent.genes) {
    const int32_t unit = part.unit_of_gene[static_cast<size_t>(gene.gene)];
    if (unit < 0 || !has(part.population, unit, row.term)) continue;
    if (telling.params.genes_listed > 0 && listed == telling.params.genes_listed) return out;
    out += (out.empty() ? "" : ", ") + telling.genes.names()[static_cast<size_t>(gene.gene)];
    ++listed;
  }
  return out;
}

std::vector<Value> term_row(int64_t number, const LatentTests& latent, const TermTest& row,
                            const Telling& telling) {
  const Ontology::Term& term = telling.input.ontology().term(row.term);
  const double fold = (static_cast<double>(row.k) / static_cast<double>(row.n)) /
                      (static_cast<double>(row.K) / static_cast<double>(row.N));
  std::vector<Value> out = {number,
                            term.id,
                            short_name(term.aspect),
                            row.enriched() ? "e" : "p",
                            term.name,
                            ratio(row.k, row.n),
                            ratio(row.K, row.N),
                            fold,
                            row.p,
                            static_cast<int64_t>(term.depth),
                            row.k,
                            row.corrected.front()};
  if (telling.params.permutations > 0) out.emplace_back(row.p_permutation);
  out.emplace_back(information_content(row.K, row.N));
  out.emplace_back(f1(row));
  if (telling.params.auroc) {
    const RankTest test = ranks(telling.genes, telling.input, number, row);
    out.emplace_back(test.auroc);
    out.emplace_back(test.average_precision);
  }
  out.emplace_back(genes_with(latent, row, telling));
  return out;
}

}  // namespace

double f1(const TermTest& row) {
  return 2 * static_cast<double>(row.k) / static_cast<double>(row.n + row.K);
}

RankTest ranks(const Genes& genes, const Input& input, int64_t latent, const TermTest& row) {
  const Input::Part& part = input.part_of(input.ontology().term(row.term).aspect);
  std::vector<float> value;
  std::vector<uint8_t> member;
  std::vector<bool> seen(part.population.units.size(), false);
  for (const Genes::Valued& gene : genes.of(latent)) {  // a unit has its strongest gene's value
    const int32_t unit = part.unit_of_gene[static_cast<size_t>(gene.gene)];
    if (unit < 0 || seen[static_cast<size_t>(unit)]) continue;
    seen[static_cast<size_t>(unit)] = true;
    value.push_back(gene.value);
    member.push_back(has(part.population, unit, row.term));
  }
  return rank_test(value, member, part.population.unit_count[static_cast<size_t>(row.term)],
                   part.population.size());
}

TableRef write_terms(Context& context, const std::vector<LatentTests>& latents,
                     const Telling& telling, const std::vector<int64_t>& first) {
  const std::string name = "go_terms.tsv";
  Table head(term_columns(telling.params));
  for (const int64_t latent : first) {
    const LatentTests& tests = latents[static_cast<size_t>(latent)];
    for (size_t i = 0; i < std::min(kTermsShown, tests.rows.size()); ++i)
      head.add(term_row(latent, tests, tests.rows[i], telling));
  }
  // Cells of a table are much larger than their text: no more than some latents' stand in memory.
  TableRef ref = context.write(name, "Terms that stand out among the genes of a latent.", head, 0);
  std::string text;
  int64_t rows = 0;
  for (size_t begin = 0; begin < latents.size(); begin += kLatentsAtOnce) {
    context.breathe();
    Table some(term_columns(telling.params));
    const size_t end = std::min(latents.size(), begin + kLatentsAtOnce);
    for (size_t latent = begin; latent < end; ++latent)
      for (const TermTest& row : latents[latent].rows)
        some.add(term_row(static_cast<int64_t>(latent), latents[latent], row, telling));
    rows += static_cast<int64_t>(some.rows().size());
    const std::string piece = emit_tsv(some);
    text += begin == 0 ? piece : piece.substr(piece.find('\n') + 1);
  }
  context.write_file(name, text);
  ref.head = std::move(head);
  ref.rows = rows;
  return ref;
}
