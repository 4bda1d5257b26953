// What go_enrichment reads beside the codes: terms, annotations, clusters; and the populations.
#pragma once

#include <facet/analysis.h>
#include <facet/enrichment.h>

#include <array>
#include <string>
#include <unordered_map>
#include <vector>

#include "gene_sets.h"

/// Terms, genes and what is counted. A unit is a gene, or its cluster.
class Input {
 public:
  Input(const Genes& genes, const GoParams& params);

  const facet::Ontology& ontology() const { return ontology_; }
  const facet::IdMatch& match() const { return match_; }
  /// Everything that was passed over, as sentences.
  const std::vector<std::string>& notes() const { return notes_; }

  /// Units that are counted together: one for all namespaces, or one for each.
  struct Part {
    facet::Population population;
    std::vector<facet::Aspect> aspects;
    std::vector<int32_t> unit_of_gene;  ///< -1: not in this population
    std::vector<int32_t> stratum;       ///< [units] class of length
  };
  const std::vector<Part>& parts() const { return parts_; }
  const Part& part_of(facet::Aspect aspect) const;

 private:
  void read_clusters(const std::string& file);
  void add_part(facet::Population population, std::vector<facet::Aspect> aspects,
                const Genes& genes, const GoParams& params);

  facet::Ontology ontology_;
  std::unordered_map<std::string, std::string> cluster_of_;
  facet::IdMatch match_;
  std::vector<std::string> notes_;
  std::vector<Part> parts_;
};

/// [units] classes of equal numbers of units, by length: 0 the shortest.
std::vector<int32_t> length_strata(const std::vector<int64_t>& lengths, int64_t classes);
