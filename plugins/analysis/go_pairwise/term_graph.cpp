// Bodies of the distances between terms.
#include "term_graph.h"

#include <facet/error.h>
#include <facet/torch.h>

#include <ATen/Parallel.h>

#include <algorithm>
#include <functional>

using namespace facet;

namespace {

// Terms searched from between two looks at whether the run should stop.
constexpr int64_t kTermsAtOnce = 512;
constexpr int64_t kPairsAtOnce = 4096;

using Pairs = std::vector<PairRelations::Pair>;

void sort_unique(Pairs& pairs) {
  std::sort(pairs.begin(), pairs.end());
  pairs.erase(std::unique(pairs.begin(), pairs.end()), pairs.end());
}

size_t place_in(const Pairs& pairs, PairRelations::Pair pair) {
  const auto found = std::lower_bound(pairs.begin(), pairs.end(), pair);
  FACET_ASSERT(found != pairs.end() && *found == pair, "this pair was not asked for");
  return static_cast<size_t>(found - pairs.begin());
}

PairRelations::Pair ascending(int32_t first, int32_t second) {
  return {std::min(first, second), std::max(first, second)};
}

// Calls each(place) for the pairs that begin with `first`.
template <class Each>
void each_from(const Pairs& pairs, int32_t first, const Each& each) {
  const auto begin =
      std::lower_bound(pairs.begin(), pairs.end(), PairRelations::Pair{first, 0}) - pairs.begin();
  for (auto i = static_cast<size_t>(begin); i < pairs.size() && pairs[i].first == first; ++i)
    each(i);
}

// Everything that the relations of these pairs need: each term to the candidates for the LCA.
Pairs ways_of(const TermGraph& graph, const Pairs& pairs) {
  std::vector<Pairs> parts((pairs.size() + kPairsAtOnce - 1) / kPairsAtOnce);
  at::parallel_for(0, static_cast<int64_t>(parts.size()), 1, [&](int64_t begin, int64_t end) {
    for (auto part = static_cast<size_t>(begin); part < static_cast<size_t>(end); ++part) {
      for (size_t i = part * kPairsAtOnce; i < std::min(pairs.size(), (part + 1) * kPairsAtOnce);
           ++i)
        for (const int32_t candidate : graph.lowest_common(pairs[i].first, pairs[i].second)) {
          parts[part].emplace_back(pairs[i].first, candidate);
          parts[part].emplace_back(pairs[i].second, candidate);
        }
      sort_unique(parts[part]);
    }
  });
  Pairs out;
  for (const Pairs& part : parts) out.insert(out.end(), part.begin(), part.end());
  sort_unique(out);
  return out;
}

}  // namespace

TermGraph::TermGraph(const Ontology& ontology)
    : ontology_(ontology), ancestors_(ontology.ancestors()) {
  std::vector<std::vector<int32_t>> beside(static_cast<size_t>(ontology.size()));
  for (int32_t term = 0; term < ontology.size(); ++term)
    for (const int32_t parent : ontology.term(term).parents) {
      beside[static_cast<size_t>(term)].push_back(parent);
      beside[static_cast<size_t>(parent)].push_back(term);
    }
  start_.push_back(0);
  for (auto& list : beside) {
    std::sort(list.begin(), list.end());
    neighbour_.insert(neighbour_.end(), list.begin(), list.end());
    start_.push_back(static_cast<int64_t>(neighbour_.size()));
  }
}

std::pair<const int32_t*, const int32_t*> TermGraph::above(int32_t term) const {
  const auto t = static_cast<size_t>(term);
  return {ancestors_.term.data() + ancestors_.start[t],
          ancestors_.term.data() + ancestors_.start[t + 1]};
}

std::pair<const int32_t*, const int32_t*> TermGraph::beside(int32_t term) const {
  const auto t = static_cast<size_t>(term);
  return {neighbour_.data() + start_[t], neighbour_.data() + start_[t + 1]};
}

std::vector<int32_t> TermGraph::lowest_common(int32_t a, int32_t b) const {
  std::vector<int32_t> out;
  int32_t depth = -1;
  auto [one, one_end] = above(a);
  auto [other, other_end] = above(b);
  while (one != one_end && other != other_end) {
    if (*one != *other) {
      ++(*one < *other ? one : other);
      continue;
    }
    const int32_t here = ontology_.term(*one).depth;
    if (here > depth) out.clear();
    depth = std::max(depth, here);
    if (here == depth) out.push_back(*one);
    ++one;
    ++other;
  }
  return out;
}

// What one breadth-first search needs; cleared by what it visited. Small numbers: it lives in the
// cache.
struct PairRelations::Search {
  Search(const TermGraph& graph, KeepPaths keep)
      : edges(static_cast<size_t>(graph.ontology().size()), -1),
        is_wanted(edges.size(), 0),
        from(keep == KeepPaths::yes ? edges.size() : 0, -1) {}

  std::vector<int16_t> edges;      // [terms] -1: not visited
  std::vector<uint8_t> is_wanted;  // [terms]
  std::vector<int32_t> from;       // [terms] the term before, where paths are kept
  std::vector<int32_t> queue, wanted;
  int64_t waiting = 0;  // wanted terms that were not reached

  void want(int32_t term) {
    waiting += is_wanted[static_cast<size_t>(term)] == 0;
    is_wanted[static_cast<size_t>(term)] = 1;
    wanted.push_back(term);
  }
  void visit(int32_t term, int distance, int32_t before) {
    edges[static_cast<size_t>(term)] = static_cast<int16_t>(distance);
    if (!from.empty()) from[static_cast<size_t>(term)] = before;
    waiting -= is_wanted[static_cast<size_t>(term)];
    queue.push_back(term);
  }
  void run(const TermGraph& graph, int32_t start) {
    visit(start, 0, -1);
    for (size_t i = 0; i < queue.size() && waiting > 0; ++i) {
      const int32_t here = queue[i];
      const auto [begin, end] = graph.beside(here);
      for (const int32_t* next = begin; next != end; ++next)
        if (edges[static_cast<size_t>(*next)] < 0)
          visit(*next, edges[static_cast<size_t>(here)] + 1, here);
    }
  }
  void clear() {
    for (const int32_t term : queue) edges[static_cast<size_t>(term)] = -1;
    for (const int32_t term : wanted) is_wanted[static_cast<size_t>(term)] = 0;
    queue.clear();
    wanted.clear();
    waiting = 0;
  }
};

PairRelations::PairRelations(const TermGraph& graph, const std::vector<Pair>& pairs, KeepPaths keep,
                             const std::function<void(int64_t, int64_t)>& breathe)
    : keep_(keep) {
  for (const auto& [a, b] : pairs) pairs_.push_back(ascending(a, b));
  sort_unique(pairs_);
  relations_.resize(pairs_.size());
  if (keep_ == KeepPaths::yes) paths_.resize(pairs_.size());
  ways_ = ways_of(graph, pairs_);
  way_edges_.resize(ways_.size());
  std::vector<int32_t> starts;  // every term of a pair that is not apart, and the first of each
  for (const auto& list : {std::cref(ways_), std::cref(pairs_)})
    for (const auto& [start, end] : list.get()) starts.push_back(start);
  std::sort(starts.begin(), starts.end());
  starts.erase(std::unique(starts.begin(), starts.end()), starts.end());

  const auto all = static_cast<int64_t>(starts.size());
  for (int64_t done = 0; done < all; done += kTermsAtOnce) {
    breathe(done, all);
    at::parallel_for(done, std::min(all, done + kTermsAtOnce), 16, [&](int64_t begin, int64_t end) {
      Search scratch(graph, keep_);
      for (int64_t i = begin; i < end; ++i) search(graph, starts[static_cast<size_t>(i)], scratch);
    });
  }
  at::parallel_for(0, static_cast<int64_t>(pairs_.size()), kPairsAtOnce,
                   [&](int64_t begin, int64_t end) {
                     for (int64_t place = begin; place < end; ++place)
                       relate(graph, static_cast<size_t>(place));
                   });
  breathe(all, all);
}

// From one term: the pairs that begin with it, and its ways to candidates.
void PairRelations::search(const TermGraph& graph, int32_t start, Search& scratch) {
  each_from(pairs_, start, [&](size_t i) { scratch.want(pairs_[i].second); });
  each_from(ways_, start, [&](size_t i) { scratch.want(ways_[i].second); });
  scratch.run(graph, start);
  each_from(pairs_, start, [&](size_t i) {
    const int32_t end = pairs_[i].second;
    relations_[i].edges = scratch.edges[static_cast<size_t>(end)];
    if (keep_ == KeepPaths::no || relations_[i].edges < 0) return;
    for (int32_t at = end; at >= 0; at = scratch.from[static_cast<size_t>(at)])
      paths_[i].push_back(at);
    std::reverse(paths_[i].begin(), paths_[i].end());
  });
  each_from(ways_, start,
            [&](size_t i) { way_edges_[i] = scratch.edges[static_cast<size_t>(ways_[i].second)]; });
  scratch.clear();
}

void PairRelations::relate(const TermGraph& graph, size_t place) {
  const auto [a, b] = pairs_[place];
  Relation& relation = relations_[place];
  for (const int32_t candidate : graph.lowest_common(a, b)) {
    const int32_t one = way_edges_[place_in(ways_, {a, candidate})];
    const int32_t other = way_edges_[place_in(ways_, {b, candidate})];
    if (relation.lca < 0) {
      relation.lca = candidate;
      relation.lca_depth = graph.ontology().term(candidate).depth;
      relation.first_to_lca = one;
      relation.second_to_lca = other;
      relation.via_lca = one + other;
    }
    relation.via_lca = std::min(relation.via_lca, one + other);
  }
}

Relation PairRelations::of(int32_t first, int32_t second) const {
  Relation out = relations_[place_in(pairs_, ascending(first, second))];
  if (first > second) std::swap(out.first_to_lca, out.second_to_lca);
  return out;
}

std::vector<int32_t> PairRelations::path(int32_t first, int32_t second) const {
  if (keep_ == KeepPaths::no) return {};
  std::vector<int32_t> out = paths_[place_in(pairs_, ascending(first, second))];
  if (first > second) std::reverse(out.begin(), out.end());
  return out;
}
