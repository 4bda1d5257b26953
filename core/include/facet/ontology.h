// The Gene Ontology and its annotations: terms of an OBO file, and which genes a GAF file gives
// them.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

namespace facet {

/// One of GO's three namespaces.
enum class Aspect : uint8_t { process = 0, function, component };
inline constexpr std::array<Aspect, 3> kAspects = {Aspect::process, Aspect::function,
                                                   Aspect::component};
/// "BP", "MF", "CC".
const char* short_name(Aspect aspect);
/// "biological_process", "molecular_function", "cellular_component": as OBO files say.
const char* full_name(Aspect aspect);

/// What a reader passed over, and how often; nothing is passed over silently.
struct PassedOver {
  std::string what;   ///< "lines with fewer than 15 columns"
  int64_t times = 0;  ///< at least 1
  std::string first;  ///< where, and what stood there: "goa.gaf:7: 3 columns"
};

/// The terms that each term stands below, itself included.
struct Closure {
  std::vector<int64_t> start;  ///< [terms + 1]
  std::vector<int32_t> term;   ///< ascending within each
};

/// The relationships that propagation may follow beside is_a, as goatools 1.6.7 has them:
/// "part_of", "regulates", "negatively_regulates", "positively_regulates".
const std::vector<std::string>& known_relationships();

/// The current terms of an OBO file, numbered in ascending order of their ids.
class Ontology {
 public:
  struct Term {
    std::string id, name;
    Aspect aspect = Aspect::process;
    int32_t level = 0;             ///< shortest way to a root, in is_a edges
    int32_t depth = 0;             ///< longest way to a root, in is_a edges
    std::vector<int32_t> parents;  ///< by is_a, ascending
    /// (number in known_relationships(), parent), ascending.
    std::vector<std::pair<int32_t, int32_t>> related;
  };

  /// Reads OBO 1.2 and 1.4, plain, gzip or zstd, LF or CRLF. Obsolete terms are left out; an edge
  /// to a term that is not there, and a term given twice, are passed over and counted.
  ///
  /// throws  UserError "file:line: ..." for what is no OBO file (no [Term]), a term without id,
  ///         name or a known namespace, and a circle of is_a edges.
  static Ontology read(const std::filesystem::path& obo);

  int32_t size() const { return static_cast<int32_t>(terms_.size()); }
  const Term& term(int32_t number) const { return terms_[static_cast<size_t>(number)]; }
  /// The number of a term, by its id or one of its alternative ids.
  std::optional<int32_t> find(const std::string& id) const;
  bool is_obsolete(const std::string& id) const;
  const std::vector<PassedOver>& passed_over() const { return passed_over_; }
  /// "releases/2022-07-01", or empty.
  const std::string& version() const { return version_; }

  /// Along is_a and the chosen relationships, whatever namespace they lead to. UserError for a name
  /// that is not among known_relationships(), and for a circle.
  Closure ancestors(const std::vector<std::string>& relationships = {}) const;

 private:
  std::vector<Term> terms_;
  std::unordered_map<std::string, int32_t> by_id_;  // alternative ids too
  std::unordered_set<std::string> obsolete_;
  std::vector<PassedOver> passed_over_;
  std::string version_;
};

/// Which lines of a GAF file count. The defaults are those of goatools 1.6.7.
struct GafFilter {
  bool keep_not = false;  ///< lines whose qualifiers have NOT
  bool keep_nd = false;   ///< evidence ND: no biological data
  /// Codes ("IDA") or groups ("Experimental", "IEA"); empty: all. See evidence_groups().
  std::vector<std::string> evidence;
  std::vector<std::string> without_evidence;
};
/// Groups of evidence codes as goatools 1.6.7 has them: Experimental, Similarity, Combinatorial,
/// High_Throughput, Author, Curatorial, No_data, Automatic.
const std::map<std::string, std::vector<std::string>>& evidence_groups();

/// Genes (column 2, DB_Object_ID) and the terms that a GAF file gives them directly.
class Annotations {
 public:
  /// Reads GAF 2.0, 2.1 and 2.2, plain, gzip or zstd, LF or CRLF. Alternative ids become the main
  /// one; lines of unknown or obsolete terms, short lines and filtered ones are passed over and
  /// counted.
  ///
  /// throws  UserError "file:line: ..." for a file without one line of a GAF (a wrong file, by its
  ///         first line), for data that is cut short, and for a filter that names no known code.
  static Annotations read(const std::filesystem::path& gaf, const Ontology& ontology,
                          const GafFilter& filter = {});

  size_t size() const { return genes_.size(); }
  /// Ascending by id.
  const std::vector<std::string>& genes() const { return genes_; }
  /// Of a gene by its id: numbers of terms, ascending, each once; nullptr: it has none.
  const std::vector<int32_t>* terms(const std::string& gene) const;
  const std::vector<PassedOver>& passed_over() const { return passed_over_; }
  /// Why genes like this one have no terms, to follow "3 genes": "are symbols or synonyms in the
  /// file, not ids (column 2)", "are not in the file", ...
  std::string why_not(const std::string& gene) const;

 private:
  std::vector<std::string> genes_;
  std::vector<std::vector<int32_t>> terms_;
  std::unordered_map<std::string, size_t> by_id_;
  std::unordered_map<std::string, std::string> passed_over_genes_;  // gene -> why a line of it went
  std::unordered_set<std::string> names_;                           // symbols and synonyms
  std::unordered_set<std::string> lower_;                           // ids in lower case
  std::vector<PassedOver> passed_over_;
};

/// The gene that a record's id names: what stands between the bars of "sp|P04637|P53_HUMAN" or
/// "tr|...", what follows "UniRef50_", a window's "/1-1022" cut off; else the id as it is.
std::string gene_of(const std::string& record_id);

/// How far the genes of a population are known to a GAF file.
struct IdMatch {
  struct Reason {
    std::string why;
    std::vector<std::string> genes;  ///< ascending
  };
  int64_t population = 0;
  int64_t annotated = 0;
  std::vector<Reason> reasons;  ///< most genes first, ties by text

  /// "16499 of 16534 genes have terms (99.8 %); 35 are not in the file (A0A183, ...)".
  std::string text() const;
};
IdMatch match_ids(const std::vector<std::string>& population, const Annotations& annotations);

}  // namespace facet
