// facet go: the terms that stand out in lists of genes, as goatools' find_enrichment writes them.
#include <algorithm>
#include <cstdio>
#include <iostream>
#include <set>
#include <tuple>
#include <unordered_map>

#include "base/files.h"
#include "cli/commands.h"
#include "data/text_lines.h"
#include "facet/enrichment.h"
#include "facet/table.h"

namespace facet::cli {
namespace {

namespace fs = std::filesystem;

// Genes of a file, a line each; what follows a tab or a space is left out, and lines that begin
// with # are.
std::vector<std::string> listed_genes(const fs::path& file) {
  std::set<std::string> out;
  TextLines lines(file);
  for (std::string line; lines.next(line);) {
    const std::string word = line.substr(0, line.find_first_of(" \t"));
    if (!word.empty() && word[0] != '#') out.insert(gene_of(word));
  }
  if (out.empty()) throw UserError(file.string() + ": no genes, should have a gene a line");
  return {out.begin(), out.end()};
}

std::string of_whole(size_t part, size_t whole) {
  return std::to_string(part) + " of " + std::to_string(whole);
}

// The units of a study; genes outside the population are left out, and said.
std::vector<int32_t> units_of(const fs::path& study,
                              const std::unordered_map<std::string, int32_t>& unit,
                              double min_overlap) {
  const std::vector<std::string> genes = listed_genes(study);
  std::vector<int32_t> out;
  std::string first_missing;
  for (const std::string& gene : genes) {
    if (const auto found = unit.find(gene); found != unit.end())
      out.push_back(found->second);
    else if (first_missing.empty())
      first_missing = gene;
  }
  const std::string overlap =
      study.string() + ": " + of_whole(out.size(), genes.size()) + " genes are in the population";
  const double share = static_cast<double>(out.size()) / static_cast<double>(genes.size());
  if (out.empty() || share < min_overlap)
    throw UserError(overlap + ", should be a share of at least " + for_eyes(min_overlap) +
                    " (--min-overlap); not in it: " + first_missing);
  if (out.size() < genes.size())
    std::cerr << overlap << "; the others are left out, first " << first_missing << "\n";
  return out;
}

void say_passed_over(const std::string& file, const std::vector<PassedOver>& all) {
  for (const PassedOver& one : all)
    std::cerr << file << ": " << one.times << " " << one.what << ", first " << one.first << "\n";
}

EnrichmentHow go_tests(const GoRequest& asked) {
  EnrichmentHow how;
  how.tail = asked.direction == "enriched"   ? Tail::greater
             : asked.direction == "purified" ? Tail::less
                                             : Tail::two_sided;
  how.methods = asked.methods;
  how.scope = asked.scope == "study" ? Scope::set : Scope::aspect;
  how.alpha = asked.alpha;
  how.aspects.clear();
  for (const Aspect aspect : kAspects)
    if (std::find(asked.namespaces.begin(), asked.namespaces.end(), short_name(aspect)) !=
        asked.namespaces.end())
      how.aspects.push_back(aspect);
  how.seed = static_cast<uint64_t>(asked.seed);
  return how;
}

std::vector<Column> go_columns(const GoRequest& asked) {
  std::vector<Column> out;
  if (asked.studies.size() > 1) out.push_back({"study", "the file's name"});
  for (const char* name :
       {"GO", "NS", "name", "enrichment", "ratio_in_study", "ratio_in_pop", "p_uncorrected"})
    out.push_back({name, ""});
  for (std::string method : asked.methods) {
    std::replace(method.begin(), method.end(), '-', '_');
    out.push_back({"p_" + method, ""});
  }
  return out;
}

void add_go_rows(const std::string& study, const SetResult& result, const Ontology& ontology,
                 const GoRequest& asked, Table& table) {
  std::vector<const TermTest*> rows;
  for (const TermTest& row : result.rows)
    if (row.p < asked.pval) rows.push_back(&row);
  // As goatools orders them, and equal ones by id.
  const auto place = [&](const TermTest* row) {
    const Ontology::Term& term = ontology.term(row->term);
    return std::make_tuple(!row->enriched(), std::string(short_name(term.aspect)), row->p,
                           row->term);
  };
  std::sort(rows.begin(), rows.end(),
            [&](const TermTest* a, const TermTest* b) { return place(a) < place(b); });
  const auto ratio = [](int64_t part, int64_t whole) {
    return std::to_string(part) + "/" + std::to_string(whole);
  };
  for (const TermTest* row : rows) {
    const Ontology::Term& term = ontology.term(row->term);
    std::vector<Value> cells;
    if (asked.studies.size() > 1) cells.emplace_back(study);
    for (Value cell : {Value(term.id), Value(short_name(term.aspect)), Value(term.name),
                       Value(row->enriched() ? "e" : "p"), Value(ratio(row->k, row->n)),
                       Value(ratio(row->K, row->N)), Value(row->p)})
      cells.push_back(std::move(cell));
    for (const double p : row->corrected) cells.emplace_back(p);
    table.add(std::move(cells));
  }
}

}  // namespace

int go(const GoRequest& asked) {
  const Ontology ontology = Ontology::read(asked.obo);
  const Closure closure = asked.no_propagate ? Closure() : ontology.ancestors(asked.relationships);
  const Annotations annotations = Annotations::read(
      asked.gaf, ontology, {false, false, asked.evidence, asked.without_evidence});
  say_passed_over(asked.obo.string(), ontology.passed_over());
  say_passed_over(asked.gaf.string(), annotations.passed_over());
  const std::vector<std::string> genes = listed_genes(asked.population);
  const IdMatch match = match_ids(genes, annotations);
  if (match.annotated == 0)
    throw UserError(asked.population.string() + ": " + match.text() +
                    ", should be genes of the GAF file");
  std::cerr << asked.population.string() << ": " << match.text() << "\n";
  const Population population =
      make_population(genes, annotations, ontology, asked.no_propagate ? nullptr : &closure);
  std::unordered_map<std::string, int32_t> unit;
  for (size_t u = 0; u < population.units.size(); ++u)
    unit.emplace(population.units[u], static_cast<int32_t>(u));
  Table table(go_columns(asked));
  for (const fs::path& study : asked.studies) {  // one by one: all terms of a study are kept
    UnitSets sets;
    sets.add(units_of(study, unit, asked.min_overlap));
    const auto results = enrichment(ontology, population, sets, go_tests(asked), Keep::all);
    add_go_rows(study.filename().string(), results.front(), ontology, asked, table);
  }
  const std::string text = emit_tsv(table);
  if (asked.out.empty())
    std::cout << text;
  else
    write_file(asked.out, text);
  std::cerr << table.rows().size() << " rows of " << asked.studies.size()
            << (asked.studies.size() == 1 ? " study" : " studies") << "\n";
  return 0;
}

}  // namespace facet::cli
