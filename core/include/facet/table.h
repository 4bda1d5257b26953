// A table of results with the definition of each column: what analyses return and reports print.
#pragma once

#include <string>
#include <vector>

#include "facet/value.h"

namespace facet {

struct Column {
  std::string name;        ///< as in the TSV's first line
  std::string definition;  ///< one sentence: what the number is, with its unit
};

class Table {
 public:
  Table() = default;
  explicit Table(std::vector<Column> columns);

  /// Appends a row; FACET_ASSERTs one value per column.
  void add(std::vector<Value> row);

  const std::vector<Column>& columns() const { return columns_; }
  const std::vector<std::vector<Value>>& rows() const { return rows_; }
  /// The same columns, rows begin .. end - 1 at most.
  Table head(size_t rows) const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<Value>> rows_;
};

/// Tab separated, one header line, tabs and line ends in text replaced by spaces, floats as
/// shortest text that reads back to the same bits.
std::string emit_tsv(const Table& table);
/// A GitHub-style table for report.md; floats with four significant digits.
std::string emit_markdown(const Table& table);
/// Inverse of emit_tsv but for definitions: cells that read as integers or numbers become such.
Table parse_tsv(const std::string& text, const std::string& name);

/// 4 significant digits for eyes: "0.1234", "12.3", "1.2e-07"; integers and text as they are.
std::string for_eyes(const Value& value);

}  // namespace facet
