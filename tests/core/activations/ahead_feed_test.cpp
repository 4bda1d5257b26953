// Rows made ahead: the same bits and places, errors where they belong, no thread left.
#include <facet/torch.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "activations/row_feed.h"
#include "activations/window_source.h"
#include "core/activations/letter_host.h"
#include "expect_refusal.h"

namespace facet {
namespace {

ActivationStream ahead_words(bool prefetch, int64_t buffer_rows = 20) {
  StreamParams params = small_windows(buffer_rows, 16);
  params.prefetch = prefetch;
  return ActivationStream(std::make_shared<LetterHost>(), texts(words(40)), {"embeddings"}, params);
}

TEST(AheadFeed, gives_the_same_rows_and_cursors) {
  const auto with = ahead_words(true).open(Order::shuffled, 3);
  const auto without = ahead_words(false).open(Order::shuffled, 3);
  EXPECT_EQ(with->key(), without->key());
  EXPECT_EQ(with->epoch_rows(), without->epoch_rows());
  for (int i = 0; i < 200; ++i) {
    ASSERT_EQ(emit_json(with->cursor()), emit_json(without->cursor())) << i;
    ASSERT_TRUE(same_bits(with->next(7), without->next(7))) << i;
    ASSERT_EQ(with->epoch_rows(), without->epoch_rows()) << "while the worker is in the feed";
  }
}

TEST(AheadFeed, goes_on_from_any_place_with_or_without_it) {
  const auto source = ahead_words(true).open(Order::shuffled, 3);
  for (int i = 0; i < 60; ++i) {
    const Value cursor = source->cursor();
    const Rows next = source->next(11);
    for (const bool prefetch : {true, false}) {
      const auto fresh = ahead_words(prefetch).open(Order::shuffled, 3);
      fresh->seek(cursor);
      ASSERT_TRUE(same_bits(fresh->next(11), next)) << i;
    }
  }
}

TEST(AheadFeed, a_source_can_be_moved_while_rows_are_being_made) {
  const auto source = ahead_words(true, 1000).open(Order::shuffled, 3);
  const Value begin = source->cursor();
  const Rows first = source->next(9);
  for (int i = 0; i < 50; ++i) {
    source->seek(begin);
    ASSERT_TRUE(same_bits(source->next(9), first)) << i;
  }
}

// Pieces of one row, numbered; counts who is in it; fails, or waits, at a piece.
struct Counted {
  std::atomic<int> made{0}, inside{0}, most_inside{0}, gone{0}, rests{0};
  std::thread::id last_thread;
};

class CountedFeed final : public RowFeed {
 public:
  CountedFeed(Counted& counted, int fails_at) : counted_(counted), fails_at_(fails_at) {}
  ~CountedFeed() override { ++counted_.gone; }
  void start(int64_t item) override { item_ = item; }
  bool next(Rows& piece) override {
    counted_.most_inside = std::max<int>(counted_.most_inside, ++counted_.inside);
    counted_.last_thread = std::this_thread::get_id();
    std::this_thread::yield();
    --counted_.inside;
    if (item_ == fails_at_) throw UserError("record 5: is bad");
    if (item_ == 20) return false;
    piece = {torch::full({1, 1, 2}, item_, torch::kFloat32), torch::full({1}, item_, torch::kInt64),
             torch::zeros({1}, torch::kInt32), torch::zeros({1}, torch::kInt32),
             torch::zeros({1}, torch::kUInt8)};
    ++item_;
    ++counted_.made;
    return true;
  }
  void rest() override { ++counted_.rests; }
  int64_t item() const override { return item_; }
  RowCount count() const override {
    counted_.most_inside = std::max<int>(counted_.most_inside, ++counted_.inside);
    --counted_.inside;
    return {20, 20, 20, 20};
  }

 private:
  Counted& counted_;
  int64_t fails_at_;
  int64_t item_ = 0;
};

// Until `made` pieces are there; the test fails when they never are.
void wait_for(const Counted& counted, int made) {
  for (int i = 0; i < 20000 && counted.made < made; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  ASSERT_EQ(counted.made, made);
}

TEST(AheadFeed, works_on_another_thread_and_no_further_ahead_than_asked) {
  Counted counted;
  const auto feed = feed_ahead(std::make_unique<CountedFeed>(counted, -1), 4);
  feed->start(0);
  Rows piece;
  ASSERT_TRUE(feed->next(piece));
  EXPECT_EQ(counted.last_thread, std::this_thread::get_id()) << "the first piece";
  EXPECT_EQ(counted.made, 1);
  ASSERT_TRUE(feed->next(piece));
  EXPECT_NE(counted.last_thread, std::this_thread::get_id());
  EXPECT_EQ(feed->item(), 2) << "of the reader, not of the worker";
  wait_for(counted, 6);
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_EQ(counted.made, 6) << "two read, four wait";
  EXPECT_EQ(feed->count().rows, 20);
  for (int64_t i = 2; i < 20; ++i) {
    ASSERT_TRUE(feed->next(piece));
    ASSERT_EQ(piece.sequence[0].item<int64_t>(), i);
  }
  EXPECT_FALSE(feed->next(piece));
  EXPECT_FALSE(feed->next(piece));
  feed->start(19);
  EXPECT_TRUE(feed->next(piece));
  EXPECT_FALSE(feed->next(piece));
  EXPECT_EQ(counted.most_inside, 1);
}

TEST(AheadFeed, rests_when_told_and_goes_on_when_a_piece_is_wanted) {
  Counted counted;
  const auto feed = feed_ahead(std::make_unique<CountedFeed>(counted, -1), 4);
  feed->start(0);
  Rows piece;
  for (int i = 0; i < 2; ++i) ASSERT_TRUE(feed->next(piece));
  wait_for(counted, 6);
  feed->rest();
  for (int64_t i = 2; i < 6; ++i) {
    ASSERT_TRUE(feed->next(piece));
    ASSERT_EQ(piece.sequence[0].item<int64_t>(), i);
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_EQ(counted.made, 6);
  for (int64_t i = 6; i < 20; ++i) {
    if (i % 3 == 0) feed->rest();  // at work or not
    ASSERT_TRUE(feed->next(piece));
    ASSERT_EQ(piece.sequence[0].item<int64_t>(), i);
  }
  feed->rest();
  EXPECT_FALSE(feed->next(piece));
  EXPECT_FALSE(feed->next(piece));
  EXPECT_EQ(counted.most_inside, 1);
}

TEST(AheadFeed, is_sent_to_rest_by_a_source_once_it_has_what_will_be_read) {
  Counted counted;
  WindowSource source(std::make_unique<CountedFeed>(counted, -1), {1, 1, 2, 2}, {.rows = 5}, "");
  source.will_read(8);
  source.next(3);
  EXPECT_EQ(counted.rests, 0);
  source.next(4);  // of the second window
  EXPECT_EQ(counted.rests, 1);
  source.next(3);
  EXPECT_EQ(counted.rests, 1);
  source.will_read(0);
  EXPECT_EQ(counted.rests, 2) << "nothing more is needed";
  EXPECT_EQ(source.next(3).sequence[0].item<int64_t>(), 10) << "whatever was said";
}

TEST(AheadFeed, an_error_comes_where_its_piece_would_and_leaves_no_thread) {
  Counted counted;
  {
    const auto feed = feed_ahead(std::make_unique<CountedFeed>(counted, 5), 100);
    feed->start(0);
    Rows piece;
    for (int64_t i = 0; i < 5; ++i) {
      ASSERT_TRUE(feed->next(piece)) << i;
      ASSERT_EQ(piece.sequence[0].item<int64_t>(), i);
    }
    EXPECT_EQ(refusal_of([&] { feed->next(piece); }), "record 5: is bad");
    EXPECT_EQ(refusal_of([&] { feed->next(piece); }), "record 5: is bad");
    EXPECT_EQ(feed->item(), 5);
    feed->start(7);
    ASSERT_TRUE(feed->next(piece));
    EXPECT_EQ(piece.sequence[0].item<int64_t>(), 7);
  }
  EXPECT_EQ(counted.gone, 1);
}

TEST(AheadFeed, goes_away_in_the_middle_of_its_work) {
  for (int pieces = 0; pieces < 8; ++pieces) {
    Counted counted;
    {
      const auto feed = feed_ahead(std::make_unique<CountedFeed>(counted, -1), 3);
      feed->start(0);
      Rows piece;
      for (int i = 0; i < pieces; ++i) feed->next(piece);
    }
    EXPECT_EQ(counted.gone, 1);
    EXPECT_EQ(counted.inside, 0);
  }
}

TEST(AheadFeed, two_streams_take_turns_in_one_host) {
  StreamParams params = small_windows(20, 16);
  params.prefetch = true;
  const auto host = std::make_shared<LetterHost>();  // its list of batches is no list for two
  const ActivationStream a(host, texts(words(40)), {"embeddings"}, params);
  const ActivationStream b(host, texts(words(30)), {"blocks.0.out"}, params);
  const auto first = a.open(Order::shuffled, 1), second = b.open(Order::shuffled, 2);
  const auto alone = ahead_words(false).open(Order::shuffled, 1);
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(same_bits(first->next(8), alone->next(8)));
    second->next(8);
  }
}

}  // namespace
}  // namespace facet
