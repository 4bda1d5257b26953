// Batches: what the trainings of one source take their rows from.
#pragma once

#include "facet/stream.h"

namespace facet {

/// Batches of `batch` rows of a source. Where the source gives the rows of `turns` hookpoints of
/// each token side by side (layers_as = "turns"), the rows of `batch` tokens make `turns` batches:
/// those of the first hookpoint, then those of the second. The rows left over at the end of an
/// epoch are dropped.
class Batches {
 public:
  Batches(ActivationSource& source, int64_t batch, int64_t turns)
      : source_(source), batch_(batch), turns_(turns) {}

  ActivationSource& source() { return source_; }
  /// The next batch; fewer rows when an epoch has not as many.
  Rows next();
  /// Batches of one epoch with so many rows of the source.
  int64_t in_epoch(int64_t rows) const { return turns_ * (rows / (turns_ * batch_)); }
  /// Rows of one hookpoint among so many of the source.
  int64_t of_one_turn(int64_t rows) const { return rows / turns_; }

  /// Of the source, and the turn.
  Value cursor() const;
  void seek(const Value& cursor);

 private:
  Rows read();

  ActivationSource& source_;
  int64_t batch_, turns_;
  int64_t turn_ = 0;  // the next; 0: what was read is used up
  Rows read_;         // [batch * turns], while turn_ > 0
  Value begin_;       // cursor before it
};

}  // namespace facet
