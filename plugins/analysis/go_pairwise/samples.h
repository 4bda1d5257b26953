// What tests and pictures compare: depth and length of pairs, or their means of each latent.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "facet/table.h"
#include "pairs.h"

/// Nodes of the shortest path in the form rep_saes, edges otherwise.
double length_of(Form form, const Relation& relation);

/// Depth of the lowest common ancestor, and length of the shortest path.
struct Sample {
  std::vector<double> depth, length;

  void add(double one_depth, double one_length) {
    depth.push_back(one_depth);
    length.push_back(one_length);
  }
  double mean_depth() const;   ///< not-a-number when empty
  double mean_length() const;  ///< not-a-number when empty
};
/// By scope; a pair of one namespace is also one of kAll.
using Samples = std::array<Sample, kScopes>;
void add_pair(Samples& samples, Form form, const TermPair& pair);

/// Sums over the pairs of a latent in one scope.
struct PairSums {
  int64_t pairs = 0;
  double depth = 0, nodes = 0, edges = 0;
  double weighted_depth = 0, weighted_nodes = 0, weighted_edges = 0;

  void add(const TermPair& pair);
  double mean(double sum) const { return sum / static_cast<double>(pairs); }
};
struct LatentSums {
  int64_t latent = 0;
  std::array<PairSums, kScopes> of;
};
facet::Table means_table(const std::vector<LatentSums>& latents);
/// A latent with a pair has one entry in each scope in which it has one.
Samples samples_of_means(const std::vector<LatentSums>& latents, Form form);
