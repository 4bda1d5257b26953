// Bodies of the pooled rows in memory.
#include "activations/pooled_memory.h"

#include <facet/torch.h>

namespace facet {
namespace {

class MemoryFeed final : public RowFeed {
 public:
  MemoryFeed(std::unique_ptr<RowFeed> feed, std::shared_ptr<PooledMemory> memory)
      : feed_(std::move(feed)), memory_(std::move(memory)) {}

  void start(int64_t item) override { item_ = item; }

  bool next(Rows& piece) override {
    auto kept = memory_->find(item_);
    if (!kept) {
      if (item_ == memory_->end() || !make_next(kept)) return false;
    }
    piece = kept->rows;
    item_ = kept->next;
    left_out_.pads += kept->left_out.pads;
    left_out_.high_norm += kept->left_out.high_norm;
    return true;
  }

  void rest() override { feed_->rest(); }
  int64_t item() const override { return item_; }
  RowCount count() const override { return feed_->count(); }
  Tensor dictionary() const override { return feed_->dictionary(); }
  LeftOut left_out() const override { return left_out_; }

 private:
  bool make_next(std::shared_ptr<const PooledMemory::Piece>& made) {
    if (at_ != item_) feed_->start(item_);
    at_ = -1;  // until the piece is there: it may throw
    const LeftOut before = feed_->left_out();
    PooledMemory::Piece piece;
    if (!feed_->next(piece.rows)) {
      memory_->set_end(item_);
      return false;
    }
    const LeftOut after = feed_->left_out();
    piece.next = at_ = feed_->item();
    piece.left_out = {after.pads - before.pads, after.high_norm - before.high_norm};
    made = std::make_shared<const PooledMemory::Piece>(piece);
    memory_->keep(item_, std::move(piece));
    return true;
  }

  std::unique_ptr<RowFeed> feed_;
  std::shared_ptr<PooledMemory> memory_;
  int64_t item_ = 0;
  int64_t at_ = -1;  // where feed_ stands; -1: it has to be started
  LeftOut left_out_;
};

}  // namespace

std::shared_ptr<const PooledMemory::Piece> PooledMemory::find(int64_t item) const {
  const std::lock_guard lock(lock_);
  const auto found = pieces_.find(item);
  return found == pieces_.end() ? nullptr : found->second;
}

void PooledMemory::keep(int64_t item, Piece piece) {
  const std::lock_guard lock(lock_);
  const int64_t bytes = memory_of(piece.rows);
  if (bytes_ + bytes > most_) return;
  if (pieces_.emplace(item, std::make_shared<const Piece>(std::move(piece))).second)
    bytes_ += bytes;
}

int64_t PooledMemory::end() const {
  const std::lock_guard lock(lock_);
  return end_;
}

void PooledMemory::set_end(int64_t item) {
  const std::lock_guard lock(lock_);
  end_ = item;
}

std::unique_ptr<RowFeed> feed_of_memory(std::unique_ptr<RowFeed> feed,
                                        std::shared_ptr<PooledMemory> memory) {
  return std::make_unique<MemoryFeed>(std::move(feed), std::move(memory));
}

}  // namespace facet
