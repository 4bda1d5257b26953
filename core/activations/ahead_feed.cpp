// Pieces of a feed made ahead of their reader, on a thread of their own.
#include <ATen/Parallel.h>
#include <facet/torch.h>

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <thread>

#include "activations/row_feed.h"

namespace facet {
namespace {

// A byte of each page: of rows that lie in a mapped file, it is this thread that waits for the
// disk.
void bring_in(const Tensor& rows) {
  constexpr size_t kPage = 4096;
  if (!rows.defined() || !rows.is_contiguous()) return;
  const auto* bytes = static_cast<const volatile char*>(rows.const_data_ptr());
  for (size_t at = 0; at < rows.nbytes(); at += kPage) static_cast<void>(bytes[at]);
}

/// One thread at a time is in the feed that is read: the worker, or count() between two pieces.
/// What the feed throws is thrown to the reader when it comes to that piece.
class AheadFeed final : public RowFeed {
 public:
  AheadFeed(std::unique_ptr<RowFeed> feed, int64_t rows) : feed_(std::move(feed)), most_(rows) {}
  ~AheadFeed() override { halt(); }

  void start(int64_t item) override {
    halt();
    feed_->start(item);
    item_ = item;
  }

  bool next(Rows& piece) override {
    if (!any_) return next_here(piece);
    set_to_work();
    std::unique_lock lock(queue_lock_);
    changed_.wait(lock, [this] { return !queue_.empty(); });
    Made& first = queue_.front();
    if (first.error) std::rethrow_exception(first.error);
    if (first.end) return false;  // and so it stays until start()
    piece = std::move(first.piece);
    item_ = first.item;
    left_out_ = first.left_out;
    waiting_ -= piece.size();
    queue_.pop_front();
    changed_.notify_all();
    return true;
  }

  void rest() override {
    {
      const std::lock_guard lock(queue_lock_);
      resting_ = true;
    }
    changed_.notify_all();
  }

  int64_t item() const override { return item_; }
  RowCount count() const override {
    const std::lock_guard lock(feed_lock_);
    return feed_->count();
  }
  Tensor dictionary() const override {
    const std::lock_guard lock(feed_lock_);
    return feed_->dictionary();
  }
  LeftOut left_out() const override { return left_out_; }

 private:
  // The very first piece, for which a host reads its weights and says so to this thread's sinks.
  bool next_here(Rows& piece) {
    if (!feed_->next(piece)) return false;
    item_ = feed_->item();
    left_out_ = feed_->left_out();
    return any_ = true;
  }

  struct Made {
    Rows piece;
    int64_t item = 0;  // where the next one begins
    LeftOut left_out;
    bool end = false;
    std::exception_ptr error;
  };

  Made make() {
    Made made;
    const std::lock_guard lock(feed_lock_);
    try {
      made.end = !feed_->next(made.piece);
      if (!made.end) bring_in(made.piece.x);
      made.item = feed_->item();
      made.left_out = feed_->left_out();
    } catch (...) {
      made.error = std::current_exception();
    }
    return made;
  }

  // Sees to it that a piece is there or comes.
  void set_to_work() {
    {
      const std::lock_guard lock(queue_lock_);
      if (!queue_.empty()) return;
      if (worker_.joinable() && !resting_) return;
    }
    if (worker_.joinable()) worker_.join();  // it was sent to rest, perhaps within a piece
    resting_ = false;
    if (queue_.empty()) worker_ = std::thread([this] { work(); });
  }

  void work() {
    at::init_num_threads();  // a thread has its own number, which begins as OpenMP's
    while (true) {
      Made made = make();
      std::unique_lock lock(queue_lock_);
      const bool last = made.end || made.error;
      waiting_ += last ? 0 : made.piece.size();
      queue_.push_back(std::move(made));
      changed_.notify_all();
      changed_.wait(lock, [&] { return last || resting_ || waiting_ < most_; });
      if (last || resting_) return;
    }
  }

  // Ends the worker after the piece that it is at.
  void halt() {
    rest();
    if (worker_.joinable()) worker_.join();
    worker_ = {};
    queue_.clear();
    waiting_ = 0;
    resting_ = false;
  }

  std::unique_ptr<RowFeed> feed_;
  mutable std::mutex feed_lock_;
  const int64_t most_;  // rows
  std::thread worker_;

  std::mutex queue_lock_;  // of what follows
  std::condition_variable changed_;
  std::deque<Made> queue_;
  int64_t waiting_ = 0;  // rows in the queue
  bool resting_ = false;

  bool any_ = false;  // a piece was made
  int64_t item_ = 0;  // the reader's
  LeftOut left_out_;
};

}  // namespace

std::unique_ptr<RowFeed> feed_ahead(std::unique_ptr<RowFeed> feed, int64_t rows) {
  return std::make_unique<AheadFeed>(std::move(feed), rows);
}

}  // namespace facet
