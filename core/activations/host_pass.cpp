// Bodies of a host's passes for several readers.
#include "activations/host_pass.h"

#include <facet/torch.h>

#include <algorithm>
#include <deque>

#include "facet/error.h"

namespace facet {

// The one piece that was put in.
class HostPass::Inlet final : public RowFeed {
 public:
  explicit Inlet(const RowFeed& feed) : feed_(feed) {}
  void put(Rows piece) { piece_ = std::move(piece); }

  void start(int64_t) override {}
  bool next(Rows& piece) override {
    piece = std::move(piece_);
    return true;
  }
  int64_t item() const override { return 0; }
  RowCount count() const override { return feed_.count(); }

 private:
  const RowFeed& feed_;
  Rows piece_;
};

class HostPass::Reader final : public RowFeed {
 public:
  Reader(std::shared_ptr<HostPass> pass, std::vector<int64_t> columns, const Kept& kept,
         int64_t most_rows)
      : pass_(std::move(pass)), columns_(std::move(columns)), most_rows_(most_rows) {
    auto inlet = std::make_unique<Inlet>(*pass_->feed_);
    inlet_ = inlet.get();
    kept_ = kept(std::move(inlet));
    pass_->readers_.push_back(this);
  }
  ~Reader() override { std::erase(pass_->readers_, this); }

  void start(int64_t item) override {
    if (waiting_.empty() || waiting_.front().item != item) {
      waiting_.clear();
      waiting_rows_ = 0;
      wanted_ = item;
    }
    item_ = item;
    ended_ = false;
  }

  bool next(Rows& piece) override {
    resting_ = false;
    if (waiting_.empty() && !ended_) {
      wanted_ = item_;
      ended_ = !pass_->make(item_);
      if (ended_) wanted_ = 0;  // of the next epoch, to which another may come first
    }
    if (ended_) return false;
    Piece& first = waiting_.front();
    item_ = first.next;
    waiting_rows_ -= first.rows.size();
    left_out_.pads += first.left_out.pads;
    left_out_.high_norm += first.left_out.high_norm;
    piece = std::move(first.rows);
    waiting_.pop_front();
    return true;
  }

  void rest() override {
    resting_ = true;
    pass_->rest();
  }
  bool resting() const { return resting_; }
  int64_t item() const override { return item_; }
  RowCount count() const override { return kept_->count(); }
  LeftOut left_out() const override { return left_out_; }

  // `raw` [n, all points, d] begins at `item`.
  void offer(int64_t item, int64_t next, const Rows& raw) {
    if (item != wanted_ || waiting_rows_ >= most_rows_) return;
    Rows mine = raw;
    mine.x = raw.x.index_select(1, torch::tensor(columns_, torch::kInt64));
    inlet_->put(std::move(mine));
    Piece piece{item, next, {}, {}};
    const LeftOut before = kept_->left_out();
    FACET_ASSERT(kept_->next(piece.rows), "a piece was put in and did not come out");
    const LeftOut after = kept_->left_out();
    piece.left_out = {after.pads - before.pads, after.high_norm - before.high_norm};
    waiting_rows_ += piece.rows.size();
    waiting_.push_back(std::move(piece));
    wanted_ = next;
  }

 private:
  struct Piece {
    int64_t item;  // where it begins
    int64_t next;  // where the one after it begins
    Rows rows;
    LeftOut left_out;  // of this piece
  };

  std::shared_ptr<HostPass> pass_;
  std::vector<int64_t> columns_;  // of its points among those of the pass
  int64_t most_rows_;
  Inlet* inlet_;  // the begin of kept_
  std::unique_ptr<RowFeed> kept_;
  std::deque<Piece> waiting_;
  int64_t waiting_rows_ = 0;
  LeftOut left_out_;  // of the pieces that were read
  int64_t item_ = 0;
  bool ended_ = false;  // what waits is of the next epoch
  bool resting_ = false;
  int64_t wanted_ = 0;  // the piece after the last one waiting
};

HostPass::HostPass(std::unique_ptr<RowFeed> feed, std::vector<std::string> points)
    : feed_(std::move(feed)), points_(std::move(points)) {}

HostPass::~HostPass() = default;

std::unique_ptr<RowFeed> HostPass::reader(const std::vector<std::string>& points, const Kept& kept,
                                          int64_t most_rows) {
  std::vector<int64_t> columns;
  for (const std::string& point : points) {
    const auto found = std::find(points_.begin(), points_.end(), point);
    FACET_ASSERT(found != points_.end(), "the pass does not read " + point);
    columns.push_back(found - points_.begin());
  }
  return std::make_unique<Reader>(shared_from_this(), std::move(columns), kept, most_rows);
}

// The feed rests when nobody wants a piece.
void HostPass::rest() {
  if (std::all_of(readers_.begin(), readers_.end(), [](const Reader* r) { return r->resting(); }))
    feed_->rest();
}

bool HostPass::make(int64_t item) {
  if (at_ != item) feed_->start(item);
  at_ = item;
  Rows raw;
  if (!feed_->next(raw)) return false;
  at_ = feed_->item();
  for (Reader* reader : readers_) reader->offer(item, at_, raw);
  return true;
}

}  // namespace facet
