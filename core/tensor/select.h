// Picks the k largest of a row of floats: ties to the lowest index, NaN above everything.
#pragma once

#include <cstdint>
#include <vector>

namespace facet {

/// The total order of the selection: -0 equals 0, every NaN is the same largest value.
int32_t selection_key(float x);
/// The number that has this key.
float selected_value(int32_t key);

/// Scratch of one thread.
class RowSelection {
 public:
  explicit RowSelection(int64_t k);
  /// Writes the k chosen indices of row[0 .. m - 1], ascending. Requires k <= m.
  void choose(const float* row, int64_t m, int32_t* indices);

 private:
  struct Candidate {
    int32_t key;
    int32_t index;
  };
  void keep_best();

  size_t k_;
  size_t room_;
  std::vector<Candidate> candidates_;
};

}  // namespace facet
