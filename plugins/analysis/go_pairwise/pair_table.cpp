// Columns of pairs, and tables that grow as text.
#include "pair_table.h"

#include <facet/torch.h>

using namespace facet;

namespace {

// Rows that a report shows of a long table, and rows that wait to be written as text.
constexpr size_t kShown = 3;
constexpr size_t kBlockRows = 4096;

struct PairColumn {
  Column column;
  bool in_rep_saes, in_corrected, in_baseline;
  Value (*of)(const TermPair& pair, const TermGraph& graph);
};

std::string id_of(const TermGraph& graph, int32_t term) { return graph.ontology().term(term).id; }

std::string ids_of(const TermGraph& graph, const std::vector<int32_t>& terms) {
  std::string out;
  for (const int32_t term : terms) out += (out.empty() ? "" : "|") + id_of(graph, term);
  return out;
}

const Ontology::Term& lca_of(const TermPair& pair, const TermGraph& graph) {
  return graph.ontology().term(pair.relation.lca);
}

double nodes_of(const TermPair& pair) { return pair.relation.edges + 1; }

const std::vector<PairColumn>& all_columns() {
  using P = const TermPair&;
  using G = const TermGraph&;
  static const std::vector<PairColumn> columns = {
      {{"Feature", "number of the latent, from 0"},
       true,
       true,
       false,
       [](P p, G) { return Value(p.latent); }},
      {{"Namespace", "of both terms"},
       true,
       true,
       true,
       [](P p, G) { return Value(full_name(p.aspect)); }},
      {{"Term 1", "the one that stands first in the table of terms"},
       true,
       true,
       true,
       [](P p, G g) { return Value(id_of(g, p.first)); }},
      {{"Term 2", "the other"},
       true,
       true,
       true,
       [](P p, G g) { return Value(id_of(g, p.second)); }},
      {{"Harmonic pvalue", "h = 2 / (1 / w1 + 1 / w2), w = min(-log10 p, cap) of each term"},
       true,
       true,
       false,
       [](P p, G) { return Value(p.harmonic); }},
      {{"Shortest Path", "terms of one shortest path over is_a, whichever way its edges point"},
       true,
       false,
       false,
       [](P p, G g) { return Value(ids_of(g, p.path)); }},
      {{"Shortest Path Length", "number of terms on it, both ends included: its edges + 1"},
       true,
       true,
       true,
       [](P p, G) { return Value(p.relation.edges + 1); }},
      {{"Weighted Shortest Path Length", "Shortest Path Length / h"},
       true,
       true,
       false,
       [](P p, G) { return Value(nodes_of(p) / p.harmonic); }},
      {{"LCA",
        "lowest common ancestor: of those of largest depth (one of the two terms, perhaps) "
        "the one with the smallest id"},
       true,
       true,
       true,
       [](P p, G g) { return Value(lca_of(p, g).id); }},
      {{"LCA Depth", "longest way from it to the root, in is_a edges"},
       true,
       true,
       true,
       [](P p, G) { return Value(p.relation.lca_depth); }},
      {{"Weighted LCA Depth", "LCA Depth * h"},
       true,
       true,
       false,
       [](P p, G g) { return Value(lca_of(p, g).depth * p.harmonic); }},
      {{"1 to LCA dist", "terms on a shortest path from term 1 to the LCA, both included"},
       true,
       true,
       true,
       [](P p, G) { return Value(p.relation.first_to_lca + 1); }},
      {{"2 to LCA dist", "the same from term 2"},
       true,
       true,
       true,
       [](P p, G) { return Value(p.relation.second_to_lca + 1); }},
      {{"LCA candidates", "all common ancestors of that depth, parted by |"},
       false,
       true,
       true,
       [](P p, G g) { return Value(ids_of(g, g.lowest_common(p.first, p.second))); }},
      {{"Shortest Path Edges", "is_a edges of a shortest path, whichever way they point"},
       false,
       true,
       true,
       [](P p, G) { return Value(p.relation.edges); }},
      {{"Weighted Shortest Path Edges", "Shortest Path Edges / h"},
       false,
       true,
       false,
       [](P p, G) { return Value(p.relation.edges / p.harmonic); }},
      {{"LCA Level", "shortest way from the LCA to the root, in is_a edges"},
       false,
       true,
       true,
       [](P p, G g) { return Value(lca_of(p, g).level); }},
      {{"Term 1 Depth", "longest way from term 1 to the root"},
       false,
       true,
       true,
       [](P p, G g) { return Value(g.ontology().term(p.first).depth); }},
      {{"Term 2 Depth", "longest way from term 2 to the root"},
       false,
       true,
       true,
       [](P p, G g) { return Value(g.ontology().term(p.second).depth); }},
      {{"Term 1 Level", "shortest way from term 1 to the root"},
       false,
       true,
       true,
       [](P p, G g) { return Value(g.ontology().term(p.first).level); }},
      {{"Term 2 Level", "shortest way from term 2 to the root"},
       false,
       true,
       true,
       [](P p, G g) { return Value(g.ontology().term(p.second).level); }},
      {{"SPL via LCA Edges", "edges of the shortest way from term 1 over a candidate to term 2"},
       false,
       true,
       true,
       [](P p, G) { return Value(p.relation.via_lca); }}};
  return columns;
}

bool is_in(const PairColumn& column, Form form, PairsOf of) {
  return (form == Form::rep_saes ? column.in_rep_saes : column.in_corrected) &&
         (of == PairsOf::latent || column.in_baseline);
}

}  // namespace

std::vector<Column> pair_columns(Form form, PairsOf of) {
  std::vector<Column> out;
  for (const PairColumn& column : all_columns())
    if (is_in(column, form, of)) out.push_back(column.column);
  return out;
}

std::vector<Value> pair_cells(Form form, PairsOf of, const TermPair& pair, const TermGraph& graph) {
  std::vector<Value> out;
  for (const PairColumn& column : all_columns())
    if (is_in(column, form, of)) out.push_back(column.of(pair, graph));
  return out;
}

LongTable::LongTable(std::vector<Column> columns) : head_(columns), block_(std::move(columns)) {}

void LongTable::add(std::vector<Value> row) {
  if (head_.rows().size() < kShown) head_.add(row);
  block_.add(std::move(row));
  ++rows_;
  if (block_.rows().size() == kBlockRows) flush();
}

void LongTable::flush() {
  const std::string text = emit_tsv(block_);
  text_ += text_.empty() ? text : text.substr(text.find('\n') + 1);
  block_ = block_.head(0);
}

TableRef LongTable::write(Context& context, const std::string& name, const std::string& title) {
  flush();
  TableRef ref = context.write(name, title, head_, kShown);
  context.write_file(name, text_);  // in place of the head alone
  ref.rows = rows_;
  return ref;
}
