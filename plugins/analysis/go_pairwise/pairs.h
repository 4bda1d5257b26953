// Pairs of terms, and what form and scope mean.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "facet/ontology.h"
#include "term_graph.h"

/// rep_saes: as the scripts of Rep_SAEs_PLMs have it; corrected: without their slips.
enum class Form { rep_saes = 1, corrected };

/// The three namespaces, and all of them together.
inline constexpr size_t kAll = 3, kScopes = 4;
inline constexpr std::array<const char*, kScopes> kScopeNames = {"bp", "mf", "cc", "all"};
/// In the order in which tables and pictures stand.
inline constexpr std::array<size_t, kScopes> kScopeOrder = {kAll, 0, 1, 2};

/// Two terms of one latent, or of a baseline.
struct TermPair {
  int64_t latent = -1;  ///< -1: of a baseline
  facet::Aspect aspect = facet::Aspect::process;
  int32_t first = 0, second = 0;
  double harmonic = 0;  ///< mean of their weights; 0 in a baseline
  Relation relation;
  std::vector<int32_t> path = {};
};
