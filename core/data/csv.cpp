// Reads rows field by field; a quoted field may take several lines.
#include "data/csv.h"

#include <algorithm>

#include "data/source_files.h"
#include "facet/error.h"

namespace facet {

CsvReader::CsvReader(const std::filesystem::path& file) : name_(file.string()), lines_(file) {
  if (!next_row(columns_)) throw UserError(name_ + ": is empty, should have a line of columns");
  for (auto one = columns_.begin(); one != columns_.end(); ++one)
    if (std::find(columns_.begin(), one, *one) != one)
      refuse(row_line_, "column \"" + *one + "\" stands twice");
}

size_t CsvReader::index_of(const std::string& column) const {
  const auto found = std::find(columns_.begin(), columns_.end(), column);
  if (found == columns_.end())
    refuse(1, "column \"" + column + "\" is missing" + has_instead(column, columns_));
  return static_cast<size_t>(found - columns_.begin());
}

bool CsvReader::next(std::vector<std::string>& fields) {
  if (!next_row(fields)) return false;
  if (fields.size() != columns_.size())
    refuse(row_line_, "has " + std::to_string(fields.size()) + " fields, should have " +
                          std::to_string(columns_.size()) + ", one for each column");
  return true;
}

bool CsvReader::next_row(std::vector<std::string>& fields) {
  fields.clear();
  do {
    if (!lines_.next(line_)) return false;
  } while (line_.empty());
  row_line_ = lines_.number();
  for (size_t at = 0;; ++at) {
    if (at < line_.size() && line_[at] == '"') {
      fields.push_back(quoted(at));
    } else {
      const size_t end = std::min(line_.find(',', at), line_.size());
      fields.push_back(line_.substr(at, end - at));
      at = end;
    }
    if (at == line_.size()) return true;
    if (line_[at] != ',') refuse(lines_.number(), "text behind a closing quote, should be a comma");
  }
}

std::string CsvReader::quoted(size_t& at) {
  const int64_t begins = lines_.number();
  std::string out;
  for (++at;; ++at) {
    const size_t quote = line_.find('"', at);
    if (quote == std::string::npos) {
      out += line_.substr(at) + "\n";
      if (!lines_.next(line_)) refuse(begins, "a quote is not closed");
      at = static_cast<size_t>(-1);
      continue;
    }
    out += line_.substr(at, quote - at);
    at = quote + 1;
    if (at == line_.size() || line_[at] != '"') return out;
    out += '"';
  }
}

void CsvReader::refuse(int64_t line, const std::string& what) const {
  throw UserError(name_ + ":" + std::to_string(line) + ": " + what);
}

}  // namespace facet
