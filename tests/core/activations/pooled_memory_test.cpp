// Pooled rows in memory: what was made once is not made again, and nothing else changes.
#include "activations/pooled_memory.h"

#include <facet/torch.h>
#include <gtest/gtest.h>

namespace facet {
namespace {

// Five pieces of one row; counts how many it made.
class FivePieces final : public RowFeed {
 public:
  explicit FivePieces(int* made) : made_(made) {}
  void start(int64_t item) override { item_ = item; }
  bool next(Rows& piece) override {
    if (item_ == 5) return false;
    ++*made_;
    piece = {torch::full({1, 1, 2}, static_cast<float>(item_)), torch::full({1}, item_),
             torch::zeros({1}, torch::kInt32), torch::zeros({1}, torch::kInt32),
             torch::zeros({1}, torch::kUInt8)};
    left_out_.pads += 2;
    ++item_;
    return true;
  }
  int64_t item() const override { return item_; }
  RowCount count() const override { return {5, 5, 5, 5, 0}; }
  LeftOut left_out() const override { return left_out_; }

 private:
  int* made_;
  int64_t item_ = 0;
  LeftOut left_out_;
};

std::string rest_of(RowFeed& feed) {
  std::string out;
  for (Rows piece; feed.next(piece);)
    out += std::to_string(static_cast<int>(piece.x[0][0][0].item<float>())) + ">" +
           std::to_string(feed.item()) + " ";
  return out;
}

constexpr char kAllPieces[] = "0>1 1>2 2>3 3>4 4>5 ";

}  // namespace

TEST(PooledMemory, makes_each_piece_once_for_all_passes_and_feeds) {
  int made = 0;
  const auto memory = std::make_shared<PooledMemory>();
  const auto feed = feed_of_memory(std::make_unique<FivePieces>(&made), memory);
  EXPECT_EQ(rest_of(*feed), kAllPieces);
  EXPECT_EQ(feed->left_out().pads, 10);
  feed->start(0);
  EXPECT_EQ(rest_of(*feed), kAllPieces);
  const auto other = feed_of_memory(std::make_unique<FivePieces>(&made), memory);
  other->start(0);
  EXPECT_EQ(rest_of(*other), kAllPieces);
  EXPECT_EQ(other->left_out().pads, 10);
  EXPECT_EQ(made, 5);
}

TEST(PooledMemory, makes_what_is_missing_wherever_it_begins) {
  int made = 0;
  const auto memory = std::make_shared<PooledMemory>();
  const auto feed = feed_of_memory(std::make_unique<FivePieces>(&made), memory);
  feed->start(3);
  EXPECT_EQ(rest_of(*feed), "3>4 4>5 ");
  feed->start(0);
  EXPECT_EQ(rest_of(*feed), kAllPieces);
  EXPECT_EQ(made, 5);
}

TEST(PooledMemory, keeps_no_more_than_it_may) {
  int made = 0;
  const auto memory = std::make_shared<PooledMemory>(60);  // two pieces of 25 bytes
  const auto feed = feed_of_memory(std::make_unique<FivePieces>(&made), memory);
  EXPECT_EQ(rest_of(*feed), kAllPieces);
  feed->start(0);
  EXPECT_EQ(rest_of(*feed), kAllPieces);
  EXPECT_EQ(made, 8);
}

}  // namespace facet
