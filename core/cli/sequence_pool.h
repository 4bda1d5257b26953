// SequencePool: one row a sequence, while rows come piece by piece in their order.
#pragma once

#include "facet/rows.h"

namespace facet::cli {

class SequencePool {
 public:
  /// The means of the sequences that ended within the rows given so far: x [s, points, d] in the
  /// rows' dtype, sums in float64; position, token and flag 0. `last`: the sequence that is under
  /// way ends too.
  Rows mean(const Rows& rows, bool last);

 private:
  Tensor sum_;             // [points, d] float64 of the sequence under way; undefined: none
  int64_t sequence_ = -1;  // its number
  int64_t count_ = 0;      // its rows
};

}  // namespace facet::cli
