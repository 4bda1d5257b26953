// Rows of a known dictionary, in chunks.
#include "activations/row_feed.h"

#include <facet/torch.h>

#include <algorithm>

namespace facet {
namespace {

class MakerFeed final : public RowFeed {
 public:
  MakerFeed(Dataset data, int64_t chunk) : data_(std::move(data)), chunk_(chunk) {}

  void start(int64_t item) override { item_ = item; }

  bool next(Rows& piece) override {
    const int64_t n = std::min(chunk_, rows() - item_);
    if (n <= 0) return false;
    piece.x = data_.rows()->make(item_, n).unsqueeze(1);  // [n, 1, d]
    piece.sequence = torch::arange(item_, item_ + n, torch::kInt64);
    piece.position = torch::zeros({n}, torch::kInt32);
    piece.token = torch::zeros({n}, torch::kInt32);
    piece.flag = torch::zeros({n}, torch::kUInt8);
    item_ += n;
    return true;
  }

  int64_t item() const override { return item_; }
  RowCount count() const override { return {rows(), rows(), rows(), rows()}; }
  Tensor dictionary() const override { return data_.rows()->dictionary(); }

 private:
  int64_t rows() const { return data_.rows()->rows(); }

  Dataset data_;
  int64_t chunk_;
  int64_t item_ = 0;
};

}  // namespace

std::unique_ptr<RowFeed> feed_of_rows(Dataset data, int64_t chunk) {
  return std::make_unique<MakerFeed>(std::move(data), chunk);
}

}  // namespace facet
