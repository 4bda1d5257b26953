// Measures the pairs of the latents and of the baselines, and writes their tables.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "baselines.h"
#include "facet/analysis.h"
#include "figures.h"
#include "latent_terms.h"
#include "samples.h"
#include "term_graph.h"

/// Everything that was measured.
struct Findings {
  std::vector<LatentSums> latents;  ///< those with a pair, ascending
  Samples pairs;                    ///< each pair of a latent by itself
  std::vector<RandomPairs> random;  ///< by baseline
  /// Pairs of latents, and of baselines, without a path or a common ancestor: left out.
  int64_t apart = 0, random_apart = 0;
  std::vector<facet::TableRef> tables;
};

/// What the pairs are measured with.
struct Ruler {
  const TermGraph& graph;
  const PairRelations& relations;
  Form form;
};

/// All pairs that measure_latents and measure_baselines will ask for.
std::vector<PairRelations::Pair> pairs_to_measure(const std::vector<TermGroup>& groups,
                                                  const std::vector<Baseline>& baselines);

/// One pass over the pairs, in the order of the table of terms; writes pairwise_all.tsv, and in the
/// form rep_saes pairwise_analyses_bp.tsv, _mf and _cc.
void measure_latents(facet::Context& context, const Ruler& ruler,
                     const std::vector<TermGroup>& groups, Findings& found);

/// Writes pairwise_random.tsv, and in the form rep_saes random_analyses_bp_constrained_dag.tsv ...
///
/// in_use  what "constrained" drew from, for the table's words.
void measure_baselines(facet::Context& context, const Ruler& ruler,
                       const std::vector<Baseline>& baselines, const std::string& in_use,
                       Findings& found);
