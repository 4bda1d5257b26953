// Hookpoints of a feed as a stream wants them: chosen, subtracted, or each a row of its own.
#include <facet/torch.h>

#include "activations/row_feed.h"

namespace facet {
namespace {

/// Another feed, with its rows changed.
class ChangedFeed : public RowFeed {
 public:
  explicit ChangedFeed(std::unique_ptr<RowFeed> feed) : feed_(std::move(feed)) {}
  void start(int64_t item) override { feed_->start(item); }
  bool next(Rows& piece) override {
    if (!feed_->next(piece)) return false;
    change(piece);
    return true;
  }
  void rest() override { feed_->rest(); }
  int64_t item() const override { return feed_->item(); }
  RowCount count() const override { return feed_->count(); }
  Tensor dictionary() const override { return feed_->dictionary(); }
  LeftOut left_out() const override { return feed_->left_out(); }

 protected:
  virtual void change(Rows& piece) const = 0;

 private:
  std::unique_ptr<RowFeed> feed_;
};

class TargetFeed final : public ChangedFeed {
 public:
  TargetFeed(std::unique_ptr<RowFeed> raw, const std::vector<int64_t>& columns, bool minus_input)
      : ChangedFeed(std::move(raw)),
        columns_(torch::tensor(columns, torch::kInt64)),
        minus_input_(minus_input) {}

 private:
  void change(Rows& piece) const override {
    piece.x = piece.x.index_select(1, columns_);
    if (!minus_input_) return;
    const auto both = piece.x.to(torch::kFloat32).chunk(2, 1);
    piece.x = torch::cat({both[0], both[1] - both[0]}, 1);
  }

  Tensor columns_;
  bool minus_input_;
};

class LayerRowsFeed final : public ChangedFeed {
 public:
  LayerRowsFeed(std::unique_ptr<RowFeed> feed, int64_t points)
      : ChangedFeed(std::move(feed)), points_(points) {}

  RowCount count() const override {
    RowCount out = ChangedFeed::count();
    for (int64_t* rows : {&out.rows, &out.content_rows, &out.pads})
      if (*rows > 0) *rows *= points_;
    return out;
  }

 private:
  void change(Rows& piece) const override {
    const auto repeated = [this](const Tensor& t) { return t.repeat_interleave(points_); };
    piece = {piece.x.reshape({-1, 1, piece.x.size(2)}), repeated(piece.sequence),
             repeated(piece.position), repeated(piece.token), repeated(piece.flag)};
  }

  int64_t points_;
};

}  // namespace

std::unique_ptr<RowFeed> feed_of_target(std::unique_ptr<RowFeed> raw,
                                        const std::vector<int64_t>& columns, bool minus_input) {
  return std::make_unique<TargetFeed>(std::move(raw), columns, minus_input);
}

std::unique_ptr<RowFeed> feed_of_layers(std::unique_ptr<RowFeed> feed, int64_t points) {
  return std::make_unique<LayerRowsFeed>(std::move(feed), points);
}

}  // namespace facet
