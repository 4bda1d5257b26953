// A table that is kept as the text of its file: a value in memory takes ten times as much.
#pragma once

#include <facet/plugin.h>

#include <string>
#include <vector>

class TextTable {
 public:
  explicit TextTable(std::vector<facet::Column> columns);

  /// Rows with `shown` are those of the report, at most ten.
  enum class Shown { no = 1, yes };
  void add(std::vector<facet::Value> row, Shown shown);
  facet::TableRef write(facet::Context& context, const std::string& name,
                        const std::string& title) const;
  int64_t rows() const { return rows_; }

 private:
  facet::Table head_;
  std::string text_;
  int64_t rows_ = 0;
};
