// Distances between terms: shortest paths over is_a in either direction, and lowest common
// ancestors.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "facet/ontology.h"

/// How two terms lie to one another; of the pair (first, second) as it was asked for.
struct Relation {
  int32_t edges = -1;  ///< of a shortest path over is_a in either direction; -1: there is none
  int32_t lca = -1;  ///< common ancestor-or-self of largest depth, of those the smallest id; or -1
  int32_t lca_depth = 0;
  int32_t first_to_lca = 0, second_to_lca = 0;  ///< edges, over is_a in either direction
  /// Edges of first - LCA - second, the shortest over all candidates for the LCA; >= edges.
  int32_t via_lca = 0;

  bool apart() const { return edges < 0 || lca < 0; }
};

/// The is_a graph of an ontology. Shared between threads.
class TermGraph {
 public:
  explicit TermGraph(const facet::Ontology& ontology);

  const facet::Ontology& ontology() const { return ontology_; }
  /// Terms above `term`, itself included, ascending.
  std::pair<const int32_t*, const int32_t*> above(int32_t term) const;
  /// Terms that is_a leads to or comes from, ascending.
  std::pair<const int32_t*, const int32_t*> beside(int32_t term) const;
  /// All common ancestors-or-selves of largest depth, ascending; none for terms apart.
  std::vector<int32_t> lowest_common(int32_t a, int32_t b) const;

 private:
  const facet::Ontology& ontology_;
  facet::Closure ancestors_;
  std::vector<int64_t> start_;      // [terms + 1]
  std::vector<int32_t> neighbour_;  // of each term
};

/// Whether the terms on the paths are kept, too.
enum class KeepPaths { no = 1, yes };

/// The relations of chosen pairs, each worked out once: one breadth-first search for each term that
/// stands in a pair, in parallel. The same at any number of threads.
class PairRelations {
 public:
  using Pair = std::pair<int32_t, int32_t>;

  /// pairs    in any order and orientation, as often as they like; of different terms.
  /// breathe  called now and then with the number of finished terms and of all.
  PairRelations(const TermGraph& graph, const std::vector<Pair>& pairs, KeepPaths keep,
                const std::function<void(int64_t, int64_t)>& breathe);

  /// Of one of the chosen pairs.
  Relation of(int32_t first, int32_t second) const;
  /// Terms of one shortest path, from first to second, both included; empty without KeepPaths.
  std::vector<int32_t> path(int32_t first, int32_t second) const;

 private:
  struct Search;
  void search(const TermGraph& graph, int32_t start, Search& scratch);
  void relate(const TermGraph& graph, size_t place);

  KeepPaths keep_;
  std::vector<Pair> pairs_;          // first < second, ascending, each once
  std::vector<Relation> relations_;  // [pairs]
  std::vector<std::vector<int32_t>> paths_;
  std::vector<Pair> ways_;          // (term of a pair, candidate for its LCA), ascending, each once
  std::vector<int32_t> way_edges_;  // [ways]
};
