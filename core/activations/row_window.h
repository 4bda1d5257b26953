// RowWindow: pieces of rows one after another, read in their order or in another one without being
// joined first.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "facet/rows.h"

namespace facet {

class RowWindow {
 public:
  /// A piece has at least one row, in the form of the first piece's rows.
  void add(Rows piece);
  /// From now on row i is what was row order[i]; once, after the last piece.
  void permute(std::vector<int64_t> order);

  int64_t size() const { return starts_.back(); }
  /// Appends rows begin .. end - 1 to `parts`: permuted ones as one copy, others as slices that
  /// share the memory of their pieces.
  void take(int64_t begin, int64_t end, std::vector<Rows>& parts) const;

 private:
  // One tensor of Rows, of every piece.
  struct Column {
    Tensor Rows::*member;
    at::ScalarType dtype;
    size_t row_bytes;
    std::vector<const char*> pieces;
  };
  size_t piece_of(int64_t row) const;
  Rows copied(int64_t begin, int64_t end) const;

  std::vector<Rows> pieces_;
  std::vector<int64_t> starts_ = {0};  // the first row of each piece, and the end
  std::vector<Column> columns_;
  std::vector<int64_t> order_;  // empty: as they came
};

}  // namespace facet
