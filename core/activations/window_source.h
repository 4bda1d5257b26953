// WindowSource: rows epoch after epoch from a feed, permuted window by window or in their order.
#pragma once

#include <limits>
#include <memory>
#include <string>

#include "activations/row_feed.h"
#include "activations/row_window.h"
#include "facet/stream.h"

namespace facet {

/// How a WindowSource orders its rows.
struct Windows {
  int64_t rows = 0;  ///< whole pieces are gathered until there are so many; 0: a piece is a window
  bool shuffled = false;
  uint64_t seed = 0;
  int64_t together = 1;  ///< rows that stay side by side when shuffled; every piece is a multiple
};

/// A window is a run of whole pieces. A shuffled one is permuted by Rng(seed,
/// "epoch/<e>/window/<w>"). The cursor names the window by the item it begins with, so that going
/// on means reading up to there and making that one window again: no activations are stored.
class WindowSource final : public ActivationSource {
 public:
  WindowSource(std::unique_ptr<RowFeed> feed, Shape shape, Windows windows, std::string key);

  Shape shape() const override { return shape_; }
  /// In memory of their own. UserError when an epoch passes without a row.
  Rows next(int64_t rows) override;
  void will_read(int64_t rows) override;
  Value cursor() const override;
  void seek(const Value& cursor) override;
  std::string key() const override { return key_; }
  int64_t epoch_rows() const override { return feed_->count().rows; }
  Tensor dictionary() const override { return feed_->dictionary(); }
  LeftOut left_out() const override { return left_out_; }

 private:
  bool load_window();  // false at the end of the epoch
  void begin_epoch(int64_t epoch);

  std::unique_ptr<RowFeed> feed_;
  Shape shape_;
  Windows windows_;
  std::string key_;

  int64_t epoch_ = 0;
  bool started_ = false;   // the feed stands in this epoch
  bool any_rows_ = false;  // this epoch had some
  int64_t window_ = 0;     // number of the next window to load
  int64_t begin_ = 0;      // item with which the loaded window begins
  RowWindow loaded_;       // empty before the first window
  int64_t row_ = 0;        // next row of the loaded window
  int64_t will_read_ = std::numeric_limits<int64_t>::max();
  LeftOut left_out_;     // up to the end of the loaded window,
  LeftOut left_before_;  // and up to its begin
};

}  // namespace facet
