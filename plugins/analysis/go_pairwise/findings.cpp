// Goes through the pairs.
#include "findings.h"

#include <facet/torch.h>

#include "pair_table.h"

using namespace facet;

namespace {

template <class Member, class Each>
void each_pair(const std::vector<Member>& members, const Each& each) {
  for (size_t i = 0; i < members.size(); ++i)
    for (size_t j = i + 1; j < members.size(); ++j) each(members[i], members[j]);
}

// Adds a pair everywhere but to a table; false when its terms lie apart.
bool add_pair_of_latent(const Ruler& ruler, TermPair& pair, LatentSums& sums, Findings& found) {
  if (pair.relation.apart()) {
    ++found.apart;
    return false;
  }
  pair.path = ruler.relations.path(pair.first, pair.second);
  sums.of[static_cast<size_t>(pair.aspect)].add(pair);
  sums.of[kAll].add(pair);
  add_pair(found.pairs, ruler.form, pair);
  return true;
}

// The pairs of one baseline and namespace, as rows of the table that has all of them.
void measure_terms(Context& context, const Ruler& ruler, const Baseline& baseline, Aspect aspect,
                   LongTable& all, Findings& found) {
  LongTable alone(pair_columns(ruler.form, PairsOf::baseline));
  const auto scope = static_cast<size_t>(aspect);
  each_pair(baseline.terms[scope], [&](int32_t a, int32_t b) {
    const TermPair pair{-1, aspect, a, b, 0, ruler.relations.of(a, b), ruler.relations.path(a, b)};
    if (pair.relation.apart()) {
      ++found.random_apart;
      return;
    }
    add_pair(found.random.back().pairs, ruler.form, pair);
    std::vector<Value> cells = pair_cells(ruler.form, PairsOf::baseline, pair, ruler.graph);
    alone.add(cells);
    cells.insert(cells.begin(), baseline.name);
    all.add(std::move(cells));
  });
  if (ruler.form == Form::rep_saes)
    alone.write(
        context,
        std::string("random_analyses_") + kScopeNames[scope] + "_" + baseline.name + "_dag.tsv",
        "");
}

}  // namespace

std::vector<PairRelations::Pair> pairs_to_measure(const std::vector<TermGroup>& groups,
                                                  const std::vector<Baseline>& baselines) {
  std::vector<PairRelations::Pair> out;
  for (const TermGroup& group : groups)
    each_pair(group.members,
              [&](const auto& a, const auto& b) { out.emplace_back(a.term, b.term); });
  for (const Baseline& baseline : baselines)
    for (const auto& terms : baseline.terms)
      each_pair(terms, [&](int32_t a, int32_t b) { out.emplace_back(a, b); });
  return out;
}

void measure_latents(Context& context, const Ruler& ruler, const std::vector<TermGroup>& groups,
                     Findings& found) {
  const std::vector<Column> columns = pair_columns(ruler.form, PairsOf::latent);
  const bool is_split = ruler.form == Form::rep_saes;
  LongTable all(columns);
  std::vector<LongTable> split(is_split ? kAspects.size() : 0, LongTable(columns));
  for (const TermGroup& group : groups) {
    context.breathe();
    if (found.latents.empty() || found.latents.back().latent != group.latent)
      found.latents.push_back({group.latent, {}});
    each_pair(group.members, [&](const TermGroup::Member& a, const TermGroup::Member& b) {
      TermPair pair{group.latent,
                    group.aspect,
                    a.term,
                    b.term,
                    2 / (1 / a.weight + 1 / b.weight),
                    ruler.relations.of(a.term, b.term)};
      if (!add_pair_of_latent(ruler, pair, found.latents.back(), found)) return;
      std::vector<Value> cells = pair_cells(ruler.form, PairsOf::latent, pair, ruler.graph);
      if (is_split) split[static_cast<size_t>(pair.aspect)].add(cells);
      all.add(std::move(cells));
    });
  }
  std::erase_if(found.latents, [](const LatentSums& one) { return one.of[kAll].pairs == 0; });
  found.tables.push_back(all.write(
      context, "pairwise_all.tsv",
      std::string("Each pair of terms of one latent and one namespace: how they lie to one "
                  "another.") +
          (is_split ? " pairwise_analyses_bp.tsv, _mf and _cc have it by namespace." : "")));
  for (size_t aspect = 0; aspect < split.size(); ++aspect)
    split[aspect].write(context, std::string("pairwise_analyses_") + kScopeNames[aspect] + ".tsv",
                        "");
}

void measure_baselines(Context& context, const Ruler& ruler, const std::vector<Baseline>& baselines,
                       const std::string& in_use, Findings& found) {
  std::vector<Column> columns = pair_columns(ruler.form, PairsOf::baseline);
  columns.insert(columns.begin(), {"Baseline", "constrained: of terms that are in use (" + in_use +
                                                   "); entire: of all terms"});
  LongTable all(columns);
  for (const Baseline& baseline : baselines) {
    found.random.push_back({baseline.name, {}});
    for (const Aspect aspect : kAspects)
      measure_terms(context, ruler, baseline, aspect, all, found);
  }
  found.tables.push_back(all.write(
      context, "pairwise_random.tsv",
      std::string("All pairs between random terms of each namespace.") +
          (ruler.form == Form::rep_saes ? " random_analyses_bp_constrained_dag.tsv and five more "
                                          "have it by namespace and baseline."
                                        : "")));
}
