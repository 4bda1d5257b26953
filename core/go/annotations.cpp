// Reads a GAF file: which gene has which terms, and what was passed over.
#include <algorithm>
#include <cstdio>
#include <set>
#include <string_view>

#include "data/text_lines.h"
#include "facet/error.h"
#include "facet/ontology.h"
#include "go/tally.h"

namespace facet {
namespace {

namespace fs = std::filesystem;

// Columns of a GAF line, from 0, and how many a line has at least.
constexpr size_t kGene = 1, kSymbol = 2, kQualifier = 3, kTerm = 4, kEvidence = 6, kAspect = 8,
                 kSynonyms = 10, kColumns = 15;

constexpr char kFiltered[] = "have only lines that were filtered (NOT, ND or evidence)";
constexpr char kNoTerms[] = "have only terms that the OBO file does not have";

std::vector<std::string_view> columns_of(std::string_view line, char between) {
  std::vector<std::string_view> out;
  while (true) {
    const size_t end = line.find(between);
    out.push_back(line.substr(0, end));
    if (end == std::string_view::npos) return out;
    line.remove_prefix(end + 1);
  }
}

std::string lower(std::string text) {
  for (char& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return text;
}

std::string quoted_start(const std::string& line) {
  return "\"" + line.substr(0, std::min<size_t>(60, line.find('\t'))) + "\"";
}

std::set<std::string> codes_of(const std::vector<std::string>& names, const char* field) {
  std::set<std::string> out;
  for (const std::string& name : names) {
    const auto& groups = evidence_groups();
    if (const auto group = groups.find(name); group != groups.end()) {
      out.insert(group->second.begin(), group->second.end());
      continue;
    }
    std::vector<std::string> known;
    for (const auto& [group, codes] : groups) {
      known.push_back(group);
      known.insert(known.end(), codes.begin(), codes.end());
    }
    if (std::find(known.begin(), known.end(), name) == known.end())
      throw UserError(std::string(field) + ": \"" + name + "\"" + did_you_mean(name, known) +
                      ", should be an evidence code (IDA) or a group of them (Experimental)");
    out.insert(name);
  }
  return out;
}

// Says of each line whether it counts.
class LineFilter {
 public:
  explicit LineFilter(const GafFilter& filter)
      : filter_(filter),
        with_(codes_of(filter.evidence, "evidence")),
        without_(codes_of(filter.without_evidence, "without_evidence")) {}

  // Why the line does not count; nullptr: it does.
  const char* against(const std::vector<std::string_view>& line) const {
    const std::string evidence(line[kEvidence]);
    if (!filter_.keep_nd && evidence == "ND") return "lines without biological data (ND)";
    if (!filter_.keep_not)
      for (const std::string_view qualifier : columns_of(line[kQualifier], '|'))
        if (lower(std::string(qualifier)) == "not") return "lines that say a gene has a term NOT";
    if ((!with_.empty() && !with_.contains(evidence)) || without_.contains(evidence))
      return "lines of other evidence than asked for";
    return nullptr;
  }

 private:
  GafFilter filter_;
  std::set<std::string> with_, without_;
};

// Whether a line has its columns, a gene and a GO id.
bool is_whole(const std::vector<std::string_view>& columns, const std::string& where,
              PassedOverTally& tally) {
  if (columns.size() < kColumns) {
    tally.add("lines with fewer than 15 columns",
              where + ": " + std::to_string(columns.size()) + " columns");
    return false;
  }
  const bool named = !columns[kGene].empty() && columns[kTerm].starts_with("GO:");
  if (!named) tally.add("lines without a gene or a GO id", where);
  return named;
}

// The term of a line; nothing when the ontology does not have it.
std::optional<int32_t> term_of(const std::vector<std::string_view>& columns,
                               const Ontology& ontology, const std::string& where,
                               PassedOverTally& tally) {
  const std::string id(columns[kTerm]);
  const auto term = ontology.find(id);
  if (!term) {
    tally.add(ontology.is_obsolete(id) ? "lines of obsolete terms"
                                       : "lines of terms that the OBO file does not have",
              where + ": " + id);
    return std::nullopt;
  }
  const Ontology::Term& known = ontology.term(*term);
  if (known.id != id)
    tally.add("alternative ids, read as the main one", where + ": " + id + " is " + known.id);
  constexpr std::string_view kLetters = "PFC";
  if (columns[kAspect] != kLetters.substr(static_cast<size_t>(known.aspect), 1))
    tally.add("lines whose aspect is not their term's (the OBO file counts)",
              where + ": " + id + " is of " + short_name(known.aspect));
  return term;
}

// The id without an isoform ("P04637-2") or a version ("NP_000537.3").
std::string without_suffix(const std::string& id) {
  const size_t end = id.find_last_of("-.");
  const bool digits = end != std::string::npos && end + 1 < id.size() &&
                      id.find_first_not_of("0123456789", end + 1) == std::string::npos;
  return digits ? id.substr(0, end) : id;
}

}  // namespace

const std::map<std::string, std::vector<std::string>>& evidence_groups() {
  static const std::map<std::string, std::vector<std::string>> groups = {
      {"Experimental", {"EXP", "IDA", "IPI", "IMP", "IGI", "IEP"}},
      {"Similarity", {"ISS", "ISO", "ISA", "ISM", "IGC", "IBA", "IBD", "IKR", "IRD", "IMR"}},
      {"Combinatorial", {"RCA"}},
      {"High_Throughput", {"HTP", "HDA", "HMP", "HGI", "HEP"}},
      {"Author", {"TAS", "NAS"}},
      {"Curatorial", {"IC"}},
      {"No_data", {"ND"}},
      {"Automatic", {"IEA"}}};
  return groups;
}

Annotations Annotations::read(const fs::path& gaf, const Ontology& ontology,
                              const GafFilter& filter) {
  const LineFilter counts(filter);
  PassedOverTally tally;
  std::map<std::string, std::vector<int32_t>> found;
  Annotations out;
  std::string first_line;
  bool any = false;
  TextLines lines(gaf);
  for (std::string line; lines.next(line);) {
    if (line.empty() || line[0] == '!') continue;
    if (first_line.empty()) first_line = lines.where() + ": begins " + quoted_start(line);
    const auto columns = columns_of(line, '\t');
    if (!is_whole(columns, lines.where(), tally)) continue;
    any = true;
    const std::string gene(columns[kGene]);
    out.lower_.insert(lower(gene));
    for (const std::string_view name : columns_of(columns[kSynonyms], '|'))
      if (!name.empty()) out.names_.emplace(name);
    out.names_.emplace(columns[kSymbol]);
    if (const char* why = counts.against(columns)) {
      tally.add(why, lines.where());
      out.passed_over_genes_.emplace(gene, kFiltered);
    } else if (const auto term = term_of(columns, ontology, lines.where(), tally)) {
      found[gene].push_back(*term);
    } else {
      out.passed_over_genes_.emplace(gene, kNoTerms);
    }
  }
  if (!any)
    throw UserError(first_line.empty()
                        ? gaf.string() + ": no lines, should be a GAF file (gene annotations)"
                        : first_line +
                              ", should be a GAF file: 15 or 17 columns parted by tabs, a "
                              "gene in the second and a GO id in the fifth");
  for (auto& [gene, terms] : found) {
    std::sort(terms.begin(), terms.end());
    terms.erase(std::unique(terms.begin(), terms.end()), terms.end());
    out.by_id_.emplace(gene, out.genes_.size());
    out.genes_.push_back(gene);
    out.terms_.push_back(std::move(terms));
  }
  out.passed_over_ = tally.take();
  return out;
}

const std::vector<int32_t>* Annotations::terms(const std::string& gene) const {
  const auto found = by_id_.find(gene);
  return found == by_id_.end() ? nullptr : &terms_[found->second];
}

std::string Annotations::why_not(const std::string& gene) const {
  if (const auto filtered = passed_over_genes_.find(gene); filtered != passed_over_genes_.end())
    return filtered->second;
  const std::string bare = without_suffix(gene);
  if (bare != gene && lower_.contains(lower(bare)))
    return "are isoforms or versions of an id in the file";
  if (lower_.contains(lower(gene))) return "are in the file in other upper and lower case";
  if (names_.contains(gene)) return "are symbols or synonyms in the file, not ids (column 2)";
  const size_t colon = gene.find(':');
  if (colon != std::string::npos && lower_.contains(lower(gene.substr(colon + 1))))
    return "have a prefix before an id of the file";
  return "are not in the file";
}

std::string gene_of(const std::string& record_id) {
  std::string id = record_id;
  const size_t bar = id.find('|');
  if (bar == 2 && (id.starts_with("sp|") || id.starts_with("tr|"))) {
    const size_t end = id.find('|', bar + 1);
    return id.substr(bar + 1, (end == std::string::npos ? id.size() : end) - bar - 1);
  }
  for (const char* cluster : {"UniRef50_", "UniRef90_", "UniRef100_"})
    if (id.starts_with(cluster)) id.erase(0, std::string_view(cluster).size());
  const size_t slash = id.rfind('/');
  if (slash != std::string::npos &&
      id.find_first_not_of("0123456789-", slash + 1) == std::string::npos &&
      id.find('-', slash + 1) != std::string::npos)
    id.erase(slash);
  return id;
}

std::string IdMatch::text() const {
  const auto share = population == 0
                         ? 0.0
                         : 100.0 * static_cast<double>(annotated) / static_cast<double>(population);
  char percent[32];
  std::snprintf(percent, sizeof percent, "%.1f", share);
  std::string out = std::to_string(annotated) + " of " + std::to_string(population) +
                    " genes have terms (" + percent + " %)";
  for (const Reason& reason : reasons) {
    out += "; " + std::to_string(reason.genes.size()) + " " + reason.why + " (";
    constexpr size_t kShown = 3;
    for (size_t i = 0; i < std::min(kShown, reason.genes.size()); ++i)
      out += (i == 0 ? "" : ", ") + reason.genes[i];
    out += reason.genes.size() > kShown ? ", ...)" : ")";
  }
  return out;
}

IdMatch match_ids(const std::vector<std::string>& population, const Annotations& annotations) {
  const std::set<std::string> genes(population.begin(), population.end());
  IdMatch out;
  out.population = static_cast<int64_t>(genes.size());
  std::map<std::string, std::vector<std::string>> why;
  for (const std::string& gene : genes) {
    if (annotations.terms(gene))
      ++out.annotated;
    else
      why[annotations.why_not(gene)].push_back(gene);
  }
  for (auto& [reason, missing] : why) out.reasons.push_back({reason, std::move(missing)});
  std::stable_sort(out.reasons.begin(), out.reasons.end(),
                   [](const auto& a, const auto& b) { return a.genes.size() > b.genes.size(); });
  return out;
}

}  // namespace facet
