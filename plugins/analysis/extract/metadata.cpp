// One line a protein, cell by cell.
#include "metadata.h"

#include <algorithm>

using namespace facet;

namespace {

const std::vector<std::string> kPoolingColumns = {
    "sample_idx", "sequence_id",   "sequence",      "sequence_length", "go_ids",
    "go_terms",   "length",        "go_biological", "go_cellular",     "go_molecular",
    "entry_name", "protein_names", "gene_names",    "organism",        "protein_families"};
const std::vector<std::string> kMeanpoolColumns = {
    "sample_idx", "sequence_id",   "sequence",    "sequence_length", "go_ids",          "go_terms",
    "entry",      "reviewed",      "entry_name",  "protein_names",   "gene_names",      "organism",
    "length",     "go_biological", "go_cellular", "go_molecular",    "protein_families"};

enum class CellKind { text = 1, list, name };  // name: "None" where it is missing

struct CellSource {
  const char* cell;
  std::string MetadataColumns::*column;
  CellKind kind;
};
constexpr CellSource kSources[] = {
    {"go_ids", &MetadataColumns::go_ids, CellKind::list},
    {"go_terms", &MetadataColumns::go_terms, CellKind::list},
    {"go_biological", &MetadataColumns::go_biological, CellKind::list},
    {"go_cellular", &MetadataColumns::go_cellular, CellKind::list},
    {"go_molecular", &MetadataColumns::go_molecular, CellKind::list},
    {"length", &MetadataColumns::length, CellKind::text},
    {"reviewed", &MetadataColumns::reviewed, CellKind::text},
    {"entry_name", &MetadataColumns::entry_name, CellKind::name},
    {"protein_names", &MetadataColumns::protein_names, CellKind::name},
    {"gene_names", &MetadataColumns::gene_names, CellKind::name},
    {"organism", &MetadataColumns::organism, CellKind::text},
    {"protein_families", &MetadataColumns::protein_families, CellKind::text},
};

std::string stripped(const std::string& text) {
  constexpr const char* kBlanks = " \t\n\v\f\r";
  const size_t begin = text.find_first_not_of(kBlanks);
  if (begin == std::string::npos) return "";
  return text.substr(begin, text.find_last_not_of(kBlanks) - begin + 1);
}

std::string joined_list(const std::string& text) {
  if (text.empty()) return "";
  std::string out;
  for (size_t begin = 0;;) {
    const size_t end = std::min(text.find(';', begin), text.size());
    out += (begin > 0 ? "," : "") + stripped(text.substr(begin, end - begin));
    if (end == text.size()) return out;
    begin = end + 1;
  }
}

std::string quoted_where_needed(const std::string& field) {
  if (field.find_first_of(",\"\n\r") == std::string::npos) return field;
  std::string out = "\"";
  for (const char c : field) out += c == '"' ? "\"\"" : std::string(1, c);
  return out + "\"";
}

std::string line_of(const std::vector<std::string>& fields) {
  std::string out;
  for (size_t i = 0; i < fields.size(); ++i)
    out += (i > 0 ? "," : "") + quoted_where_needed(fields[i]);
  return out + "\n";
}

}  // namespace

Schema<MetadataColumns> metadata_columns_schema() {
  Schema<MetadataColumns> schema;
  for (const CellSource& source : kSources)
    schema.field(source.cell, source.column,
                 "Column of the data for " + std::string(source.cell) + ".");
  return schema;
}

Metadata::Metadata(const MetadataColumns& columns, MetadataLayout layout)
    : columns_(columns),
      names_(layout == MetadataLayout::pooling ? kPoolingColumns : kMeanpoolColumns),
      csv_(line_of(names_)) {}

void Metadata::add(const Record& record) {
  std::vector<std::string> fields;
  for (const std::string& name : names_) fields.push_back(cell(name, record));
  csv_ += line_of(fields);
  ++count_;
}

std::string Metadata::cell(const std::string& name, const Record& record) {
  if (name == "sample_idx") return std::to_string(count_);
  if (name == "sequence_id" || name == "entry") return record.id;
  if (name == "sequence") return record.text;
  if (name == "sequence_length") return std::to_string(record.text.size());
  const auto* const source = std::find_if(std::begin(kSources), std::end(kSources),
                                          [&](const CellSource& one) { return one.cell == name; });
  const auto found = record.columns.find(columns_.*source->column);
  if (found != record.columns.end()) seen_.insert(found->first);
  const std::string text = found == record.columns.end() ? "" : found->second;
  if (source->kind == CellKind::list) return joined_list(text);
  const std::string plain = stripped(text);
  return source->kind == CellKind::name && plain.empty() ? "None" : plain;
}

std::vector<std::string> Metadata::missing() const {
  std::vector<std::string> out;
  for (const CellSource& source : kSources)
    if (std::find(names_.begin(), names_.end(), source.cell) != names_.end() &&
        !seen_.contains(columns_.*source.column))
      out.push_back(columns_.*source.column);
  return out;
}
