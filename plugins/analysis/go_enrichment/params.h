// What [[analysis]] type = "go_enrichment" reads.
#pragma once

#include <facet/enrichment.h>
#include <facet/schema.h>

#include <string>
#include <vector>

struct GoParams {
  std::string gaf, obo;
  std::string profile = "goatools";
  // genes and their terms
  std::vector<std::string> relationships;
  bool propagate = true;
  std::vector<std::string> evidence, without_evidence;
  bool keep_not = false, keep_nd = false;
  std::string organism;
  std::string clusters;
  // the genes of a latent
  std::string set_rule = "nonzero";
  double fraction = 0.5;
  int64_t top = 100;
  double quantile = 0.99;
  bool row_slip = false;
  // the tests
  std::string population = "rows";
  std::vector<std::string> namespaces = {"BP", "MF", "CC"};
  std::string direction = "two_sided";
  std::string correction = "bonferroni";
  std::string scope = "namespace";
  double alpha = 0.05;
  int64_t least_genes = 1;
  int64_t least_term = 1;
  int64_t most_term = 0;
  bool hit_terms_only = false;
  bool elim = false;
  double elim_cutoff = 0.01;
  int64_t permutations = 0;
  int64_t length_strata = 10;
  // what is told beside
  bool auroc = true;
  bool permuted_baseline = true;
  int64_t genes_listed = 10;
};

facet::Schema<GoParams> go_schema();

/// "BP" -> Aspect::process.
std::vector<facet::Aspect> aspects_of(const std::vector<std::string>& names);
/// The tests that the parameters ask for; without strata, which come from the rows.
facet::EnrichmentHow how_of(const GoParams& params, uint64_t seed);
/// "two-sided Fisher test, bonferroni over the terms of each latent and namespace, alpha 0.05".
std::string test_text(const GoParams& params);
