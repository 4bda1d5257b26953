// Bodies of the samples and means.
#include "samples.h"

#include <facet/torch.h>

#include <cmath>
#include <numeric>

using namespace facet;

namespace {

double mean_of(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

}  // namespace

double length_of(Form form, const Relation& relation) {
  return form == Form::rep_saes ? relation.edges + 1 : relation.edges;
}

double Sample::mean_depth() const { return mean_of(depth); }
double Sample::mean_length() const { return mean_of(length); }

void add_pair(Samples& samples, Form form, const TermPair& pair) {
  for (const size_t scope : {static_cast<size_t>(pair.aspect), kAll})
    samples[scope].add(pair.relation.lca_depth, length_of(form, pair.relation));
}

void PairSums::add(const TermPair& pair) {
  ++pairs;
  depth += pair.relation.lca_depth;
  nodes += (pair.relation.edges + 1);
  edges += pair.relation.edges;
  weighted_depth += pair.relation.lca_depth * pair.harmonic;
  weighted_nodes += (pair.relation.edges + 1) / pair.harmonic;
  weighted_edges += pair.relation.edges / pair.harmonic;
}

Table means_table(const std::vector<LatentSums>& latents) {
  Table table({{"Feature", "number of the latent, from 0"},
               {"Namespace", "of the pairs; all: of every namespace"},
               {"pairs", "pairs of its terms"},
               {"LCA Depth", "mean over the pairs of the depth of their lowest common ancestor"},
               {"Shortest Path Length", "mean of the terms on a shortest path, ends included"},
               {"Shortest Path Edges", "mean of the is_a edges of a shortest path"},
               {"Weighted LCA Depth", "mean of LCA depth * h, h as in pairwise_all.tsv"},
               {"Weighted Shortest Path Length", "mean of Shortest Path Length / h"},
               {"Weighted Shortest Path Edges", "mean of Shortest Path Edges / h"}});
  for (const LatentSums& latent : latents)
    for (size_t scope = 0; scope < kScopes; ++scope) {
      const PairSums& of = latent.of[scope];
      if (of.pairs == 0) continue;
      table.add({latent.latent, scope == kAll ? "all" : full_name(kAspects[scope]), of.pairs,
                 of.mean(of.depth), of.mean(of.nodes), of.mean(of.edges),
                 of.mean(of.weighted_depth), of.mean(of.weighted_nodes),
                 of.mean(of.weighted_edges)});
    }
  return table;
}

Samples samples_of_means(const std::vector<LatentSums>& latents, Form form) {
  Samples out;
  for (const LatentSums& latent : latents)
    for (size_t scope = 0; scope < kScopes; ++scope)
      if (const PairSums& of = latent.of[scope]; of.pairs > 0)
        out[scope].add(of.mean(of.depth), of.mean(form == Form::rep_saes ? of.nodes : of.edges));
  return out;
}
