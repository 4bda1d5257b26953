// Pooled rows that stay in memory: one row a sequence is little, and the host made many for it.
#pragma once

#include <map>
#include <memory>
#include <mutex>

#include "activations/row_feed.h"

namespace facet {

/// Pieces of one stream, by where each begins; shared by its feeds, which may be on several
/// threads.
class PooledMemory {
 public:
  /// No more is kept once the rows would take so many bytes.
  explicit PooledMemory(int64_t most = int64_t{1} << 30) : most_(most) {}

  struct Piece {
    Rows rows;
    int64_t next = 0;  ///< where the piece after it begins
    LeftOut left_out;  ///< of this piece
  };
  /// nullptr: not kept.
  std::shared_ptr<const Piece> find(int64_t item) const;
  void keep(int64_t item, Piece piece);
  /// Where the data ends; -1: not known yet.
  int64_t end() const;
  void set_end(int64_t item);

 private:
  mutable std::mutex lock_;
  std::map<int64_t, std::shared_ptr<const Piece>> pieces_;
  int64_t most_, bytes_ = 0, end_ = -1;
};

/// Pieces of `feed` that are taken from `memory` where it has them, and else put there. The rows
/// are the same; the host works for what is missing only.
std::unique_ptr<RowFeed> feed_of_memory(std::unique_ptr<RowFeed> feed,
                                        std::shared_ptr<PooledMemory> memory);

}  // namespace facet
