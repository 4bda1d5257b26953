// Tables of pairs.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "facet/analysis.h"
#include "pairs.h"

/// Which pairs a table is of.
enum class PairsOf { latent = 1, baseline };

std::vector<facet::Column> pair_columns(Form form, PairsOf of);
std::vector<facet::Value> pair_cells(Form form, PairsOf of, const TermPair& pair,
                                     const TermGraph& graph);

/// A table too long to be kept as values: text that grows.
class LongTable {
 public:
  explicit LongTable(std::vector<facet::Column> columns);
  void add(std::vector<facet::Value> row);
  facet::TableRef write(facet::Context& context, const std::string& name, const std::string& title);

 private:
  void flush();
  facet::Table head_, block_;
  std::string text_;
  int64_t rows_ = 0;
};
