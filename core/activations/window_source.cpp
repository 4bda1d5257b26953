// Gathers pieces into windows, permutes them, and finds any place again.
#include "activations/window_source.h"

#include <facet/torch.h>

#include <algorithm>

#include "facet/rng.h"

namespace facet {
namespace {

std::vector<int64_t> order_of(int64_t rows, const Windows& windows, int64_t epoch, int64_t window) {
  Rng rng(windows.seed, "epoch/" + std::to_string(epoch) + "/window/" + std::to_string(window));
  const int64_t together = windows.together;
  FACET_ASSERT(rows % together == 0, "a window splits rows that belong together");
  std::vector<int64_t> order;
  order.reserve(static_cast<size_t>(rows));
  for (const int64_t group : rng.permutation(rows / together))
    for (int64_t i = 0; i < together; ++i) order.push_back(group * together + i);
  return order;
}

}  // namespace

WindowSource::WindowSource(std::unique_ptr<RowFeed> feed, Shape shape, Windows windows,
                           std::string key)
    : feed_(std::move(feed)), shape_(shape), windows_(windows), key_(std::move(key)) {}

void WindowSource::begin_epoch(int64_t epoch) {
  epoch_ = epoch;
  started_ = any_rows_ = false;
  window_ = begin_ = row_ = 0;
  loaded_ = RowWindow();
}

bool WindowSource::load_window() {
  if (!started_) feed_->start(0);
  started_ = true;
  begin_ = feed_->item();
  row_ = 0;
  loaded_ = RowWindow();
  left_before_ = left_out_;
  const LeftOut before = feed_->left_out();
  RowWindow window;
  for (Rows piece; window.size() == 0 || window.size() < windows_.rows;) {
    if (!feed_->next(piece)) break;
    if (piece.size() > 0) window.add(std::move(piece));
  }
  if (window.size() >= will_read_) feed_->rest();
  const LeftOut after = feed_->left_out();
  left_out_.pads += after.pads - before.pads;
  left_out_.high_norm += after.high_norm - before.high_norm;
  if (window.size() == 0) return false;
  if (windows_.shuffled) window.permute(order_of(window.size(), windows_, epoch_, window_));
  loaded_ = std::move(window);
  ++window_;
  any_rows_ = true;
  return true;
}

Rows WindowSource::next(int64_t rows) {
  FACET_ASSERT(rows > 0, "no rows were asked for");
  std::vector<Rows> parts;
  int64_t taken = 0;
  while (taken < rows) {
    if (row_ == loaded_.size() && !load_window()) {
      if (!any_rows_) refuse_no_rows();
      begin_epoch(epoch_ + 1);
      break;
    }
    const int64_t end = std::min(loaded_.size(), row_ + rows - taken);
    loaded_.take(row_, end, parts);
    taken += end - row_;
    will_read_ -= std::min(will_read_, end - row_);
    row_ = end;
  }
  if (windows_.shuffled && parts.size() == 1) return std::move(parts[0]);  // a copy already
  if (!parts.empty()) return Rows::joined(parts);
  const auto none = [](auto dtype) { return torch::empty({0}, dtype); };
  const int64_t points = shape_.points_in + (shape_.transcodes ? shape_.points_out : 0);
  return {torch::empty({0, points, shape_.d_in}), none(torch::kInt64), none(torch::kInt32),
          none(torch::kInt32), none(torch::kUInt8)};
}

void WindowSource::will_read(int64_t rows) {
  will_read_ = rows;
  if (loaded_.size() - row_ >= rows) feed_->rest();
}

Value WindowSource::cursor() const {
  const bool used_up = row_ == loaded_.size();
  const bool within = started_ && !used_up;
  Value cursor;
  cursor.set("epoch", epoch_);
  cursor.set("window", within ? window_ - 1 : window_);
  cursor.set("item", within ? begin_ : started_ ? feed_->item() : 0);
  cursor.set("row", within ? row_ : 0);
  const LeftOut& left = within ? left_before_ : left_out_;
  if (left.pads > 0) cursor.set("left_out_pads", left.pads);
  if (left.high_norm > 0) cursor.set("left_out_high_norm", left.high_norm);
  return cursor;
}

void WindowSource::seek(const Value& cursor) {
  begin_epoch(cursor.integer("epoch"));
  window_ = cursor.integer("window");
  const int64_t item = cursor.integer("item"), row = cursor.integer("row");
  const auto left = [&](const char* key) { return cursor.find(key) ? cursor.integer(key) : 0; };
  left_out_ = {left("left_out_pads"), left("left_out_high_norm")};
  if (window_ == 0 && row == 0) return;
  feed_->start(item);
  started_ = any_rows_ = true;
  if (row == 0) return;
  if (!load_window() || row > loaded_.size())
    throw UserError("activations: window " + std::to_string(cursor.integer("window")) +
                    " of epoch " + std::to_string(epoch_) + " has fewer than " +
                    std::to_string(row) + " rows: it is not the data that the run began with");
  row_ = row;
}

}  // namespace facet
