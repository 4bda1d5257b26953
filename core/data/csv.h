// Tables parted by commas, with quoted fields, as pandas and spreadsheets write them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "data/text_lines.h"

namespace facet {

/// The first line names the columns. A field that begins with a quote goes to the closing one:
/// commas and line ends (as LF) in it are text, two quotes are one. Blank lines are skipped.
/// source: RFC 4180
class CsvReader {
 public:
  /// UserError "file:line: ..." when there is no first line or a column stands twice in it.
  explicit CsvReader(const std::filesystem::path& file);

  const std::vector<std::string>& columns() const { return columns_; }
  /// Of the column of this name; UserError when there is none.
  size_t index_of(const std::string& column) const;
  /// Fields of the next row, as many as columns; false at the end. UserError "file:line: ..." for
  /// another number of fields, for a quote that is not closed, and for text behind a closing one.
  bool next(std::vector<std::string>& fields);

 private:
  bool next_row(std::vector<std::string>& fields);
  /// The field that begins at `at` of line_, and its end.
  std::string quoted(size_t& at);
  [[noreturn]] void refuse(int64_t line, const std::string& what) const;

  std::string name_;
  TextLines lines_;
  std::string line_;
  std::vector<std::string> columns_;
  int64_t row_line_ = 0;  // where the last row begins
};

}  // namespace facet
