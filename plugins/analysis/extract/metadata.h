// The table of the proteins that Rep_SAEs_PLMs writes beside its arrays.
#pragma once

#include <facet/data.h>
#include <facet/schema.h>

#include <cstdint>
#include <set>
#include <string>
#include <vector>

/// Which column of the data each cell is taken from; by default as UniProt names them.
struct MetadataColumns {
  std::string go_ids = "Gene Ontology IDs";
  std::string go_terms = "Gene Ontology (GO)";
  std::string go_biological = "Gene Ontology (biological process)";
  std::string go_cellular = "Gene Ontology (cellular component)";
  std::string go_molecular = "Gene Ontology (molecular function)";
  std::string length = "Length";
  std::string reviewed = "Reviewed";
  std::string entry_name = "Entry Name";
  std::string protein_names = "Protein names";
  std::string gene_names = "Gene Names";
  std::string organism = "Organism";
  std::string protein_families = "Protein families";
};
facet::Schema<MetadataColumns> metadata_columns_schema();

enum class MetadataLayout { pooling = 1, meanpool };

/// The CSV table, as pandas writes it: LF, and quotes where a field has a comma, a quote or a line
/// end.
///
/// source  Rep_SAEs_PLMs de2b02f, numpy_store_results.py: columns and their order; lists are split
///         at ";", stripped and joined by ","; missing entry, protein and gene names are "None".
///         Differs: lists of MEANPOOL are joined by "," too, not as Python prints them.
class Metadata {
 public:
  Metadata(const MetadataColumns& columns, MetadataLayout layout);
  void add(const facet::Record& record);
  const std::string& csv() const { return csv_; }
  int64_t columns() const { return static_cast<int64_t>(names_.size()); }
  /// Columns of the data that no record had.
  std::vector<std::string> missing() const;

 private:
  std::string cell(const std::string& name, const facet::Record& record);

  MetadataColumns columns_;
  const std::vector<std::string>& names_;
  int64_t count_ = 0;
  std::set<std::string> seen_;  // columns that some record had
  std::string csv_;
};
