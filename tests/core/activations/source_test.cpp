// Sources of a stream: which rows they give, in which order, and that any place is found again.
#include <facet/torch.h>
#include <gtest/gtest.h>

#include <set>

#include "core/activations/letter_host.h"
#include "expect_refusal.h"

namespace facet {
namespace {

ActivationStream letters(std::vector<std::string> list, StreamParams params = small_windows(),
                         std::vector<std::string> points = {"embeddings"},
                         std::shared_ptr<LetterHost> host = std::make_shared<LetterHost>()) {
  return ActivationStream(host, texts(std::move(list)), std::move(points), std::move(params));
}

ActivationStream waves(int64_t rows, StreamParams params = small_windows()) {
  return ActivationStream(dataset_of(std::make_shared<WaveData>(rows)), std::move(params));
}

// (sequence, position) of each row.
std::vector<std::pair<int64_t, int64_t>> places(const Rows& rows) {
  std::vector<std::pair<int64_t, int64_t>> out;
  for (int64_t i = 0; i < rows.sequence.size(0); ++i)
    out.emplace_back(rows.sequence[i].item<int64_t>(), rows.position[i].item<int64_t>());
  return out;
}

TEST(Source, sequential_rows_come_in_order_without_specials) {
  const auto source = letters({"ab", "c", "def"}).open(Order::sequential, 0);
  const Rows rows = source->next(100);
  using Places = std::vector<std::pair<int64_t, int64_t>>;
  EXPECT_EQ(places(rows), (Places{{0, 1}, {0, 2}, {1, 1}, {2, 1}, {2, 2}, {2, 3}}));
  EXPECT_TRUE(torch::equal(rows.token, torch::tensor({1, 2, 3, 4, 5, 6}, torch::kInt32)));
  EXPECT_EQ(rows.x.sizes(), (std::vector<int64_t>{6, 1, 4}));
}

TEST(Source, rows_all_keeps_specials) {
  StreamParams params = small_windows();
  params.rows = "all";
  const Rows rows = letters({"ab", "c"}, params).open(Order::sequential, 0)->next(100);
  EXPECT_TRUE(torch::equal(rows.token, torch::tensor({0, 1, 2, 27, 0, 3, 27}, torch::kInt32)));
  EXPECT_TRUE(torch::equal(rows.flag, torch::tensor({1, 0, 0, 1, 1, 0, 1}, torch::kUInt8)));
}

TEST(Source, host_batches_hold_whole_sequences_and_a_longer_one_stands_alone) {
  const auto host = std::make_shared<LetterHost>();
  const auto stream = letters({"ab", "abc", "abcdefghijkl", "a", "b"}, small_windows(1000, 9),
                              {"embeddings"}, host);
  stream.open(Order::sequential, 0)->next(100);
  EXPECT_EQ(host->batches, (std::vector<int64_t>{9, 14, 6}));
}

// Readers of one pass are given what each would read alone, however they take turns.
TEST(Source, streams_of_one_host_share_its_passes) {
  const auto host = std::make_shared<LetterHost>();
  const auto list = words(30);
  StreamParams whole = small_windows(20, 9), narrow = small_windows(7, 9);
  whole.rows = "all";
  const std::vector<ActivationStream> streams = {
      letters(list, whole, {"embeddings"}, host), letters(list, narrow, {"blocks.0.out"}, host),
      letters(list, narrow, {"embeddings", "blocks.0.out"}, host),
      letters(list, narrow, {"wide"}, host)};  // of another width: by itself
  std::vector<const ActivationStream*> all;
  for (const ActivationStream& stream : streams) all.push_back(&stream);
  for (const std::vector<int64_t> sizes : {std::vector<int64_t>{5, 5, 5, 5}, {1, 40, 3, 5}}) {
    const auto together = ActivationStream::open_together(all, Order::shuffled, 4);
    std::vector<std::unique_ptr<ActivationSource>> alone;
    for (const ActivationStream& stream : streams) alone.push_back(stream.open(Order::shuffled, 4));
    for (int turn = 0; turn < 60; ++turn)
      for (size_t i = 0; i < streams.size(); ++i) {
        const Rows a = together[i]->next(sizes[i]), b = alone[i]->next(sizes[i]);
        ASSERT_TRUE(torch::equal(a.x, b.x)) << "stream " << i << " turn " << turn;
        ASSERT_TRUE(torch::equal(a.sequence, b.sequence));
        ASSERT_EQ(together[i]->cursor(), alone[i]->cursor());
        ASSERT_EQ(together[i]->key(), alone[i]->key());
      }
    const Value place = together[1]->cursor();
    const Rows next = together[1]->next(4);
    together[1]->seek(place);
    EXPECT_TRUE(torch::equal(together[1]->next(4).x, next.x));
  }
  host->batches.clear();
  const auto pair = ActivationStream::open_together({all[1], all[2]}, Order::shuffled, 4);
  for (int turn = 0; turn < 20; ++turn)
    for (const auto& source : pair) source->next(3);
  const size_t shared = host->batches.size();
  host->batches.clear();
  const auto single = streams[1].open(Order::shuffled, 4);
  for (int turn = 0; turn < 20; ++turn) single->next(3);
  EXPECT_EQ(shared, host->batches.size());
}

TEST(Source, several_hookpoints_give_one_row_with_several_points) {
  const auto stream = letters(words(3), small_windows(), {"embeddings", "blocks.0.out"});
  const Rows both = stream.open(Order::sequential, 0)->next(100);
  const Rows second =
      letters(words(3), small_windows(), {"blocks.0.out"}).open(Order::sequential, 0)->next(100);
  EXPECT_EQ(both.x.size(1), 2);
  EXPECT_TRUE(torch::equal(both.x.select(1, 1), second.x.select(1, 0)));
  EXPECT_EQ(stream.shape().points_in, 2);
  EXPECT_EQ(stream.shape().d_in, 4);
}

TEST(Source, a_shuffled_epoch_has_each_row_once_and_the_next_another_order) {
  const auto stream = letters(words(30));
  const Rows in_order = stream.open(Order::sequential, 0)->next(1000);
  const auto source = stream.open(Order::shuffled, 5);
  const auto first = places(source->next(1000)), second = places(source->next(1000));
  const auto sorted = [](auto list) {
    return std::multiset<std::pair<int64_t, int64_t>>(list.begin(), list.end());
  };
  EXPECT_EQ(sorted(first), sorted(places(in_order)));
  EXPECT_EQ(sorted(second), sorted(first));
  EXPECT_NE(first, second);
  EXPECT_NE(first, places(in_order));
}

TEST(Source, equal_seeds_give_equal_bits_and_others_do_not) {
  const auto stream = letters(words(30));
  const Rows a = stream.open(Order::shuffled, 5)->next(50);
  EXPECT_TRUE(same_bits(a, stream.open(Order::shuffled, 5)->next(50)));
  EXPECT_FALSE(same_bits(a, stream.open(Order::shuffled, 6)->next(50)));
}

TEST(Source, the_end_of_an_epoch_gives_fewer_rows_and_an_exact_end_gives_none) {
  const auto source = waves(20).open(Order::sequential, 0);
  EXPECT_EQ(source->next(15).x.size(0), 15);
  EXPECT_EQ(source->next(15).x.size(0), 5);
  EXPECT_EQ(source->next(10).sequence[0].item<int64_t>(), 0);
  EXPECT_EQ(source->next(10).x.size(0), 10);
  const Rows none = source->next(10);
  EXPECT_EQ(none.x.sizes(), (std::vector<int64_t>{0, 1, 4}));
  EXPECT_EQ(source->next(10).sequence[0].item<int64_t>(), 0);
}

// Reads two and a half epochs by `step` rows; at every place a fresh source goes on from the
// cursor.
void expect_every_place_found(const ActivationStream& stream, Order order, int64_t step) {
  const auto source = stream.open(order, 9);
  std::vector<Value> cursors;
  std::vector<Rows> rows;
  const int64_t reads = source->epoch_rows() * 5 / (2 * step);
  for (int64_t i = 0; i < reads; ++i) {
    cursors.push_back(parse_json(emit_json(source->cursor()), "cursor"));
    rows.push_back(source->next(step));
  }
  for (size_t at = 0; at + 2 < rows.size(); ++at) {
    const auto fresh = stream.open(order, 9);
    fresh->seek(cursors[at]);
    EXPECT_EQ(fresh->cursor(), cursors[at]);
    for (size_t i = at; i < at + 3; ++i)
      ASSERT_TRUE(same_bits(fresh->next(step), rows[i])) << "from " << at;
  }
}

TEST(Source, seek_goes_on_with_the_same_bits_from_everywhere) {
  for (const Order order : {Order::sequential, Order::shuffled}) {
    expect_every_place_found(letters(words(30)), order, 7);
    expect_every_place_found(letters(words(30), small_windows(1)), order, 11);
    expect_every_place_found(waves(100), order, 8);
    expect_every_place_found(waves(96), order, 16);
  }
}

TEST(Source, seek_runs_the_host_for_one_window_only) {
  const auto host = std::make_shared<LetterHost>();
  const auto stream = letters(words(200), small_windows(40, 16), {"embeddings"}, host);
  const auto source = stream.open(Order::shuffled, 1);
  for (int i = 0; i < 60; ++i) source->next(10);
  const Value cursor = source->cursor();
  const auto fresh = stream.open(Order::shuffled, 1);
  host->batches.clear();
  fresh->seek(cursor);
  EXPECT_LE(host->batches.size(), 10u);
  EXPECT_LT(emit_json(cursor).size(), 100u);
}

TEST(Source, a_sequential_pass_does_not_depend_on_the_window) {
  const Rows a = letters(words(30), small_windows(1)).open(Order::sequential, 0)->next(1000);
  EXPECT_TRUE(
      same_bits(a, letters(words(30), small_windows(500)).open(Order::sequential, 0)->next(1000)));
}

TEST(Source, epoch_rows_are_counted_without_the_host) {
  const auto host = std::make_shared<LetterHost>();
  const auto source =
      letters(words(30), small_windows(), {"embeddings"}, host).open(Order::shuffled, 1);
  const int64_t rows = source->epoch_rows();
  EXPECT_TRUE(host->batches.empty());
  EXPECT_EQ(source->next(1000).x.size(0), rows);
  EXPECT_EQ(waves(77).open(Order::shuffled, 1)->epoch_rows(), 77);
}

TEST(Source, made_rows_are_named_by_their_number_and_bring_their_dictionary) {
  const auto source = waves(20).open(Order::sequential, 0);
  const Rows rows = source->next(20);
  EXPECT_TRUE(torch::equal(rows.sequence, torch::arange(20)));
  EXPECT_TRUE(torch::equal(source->dictionary(), torch::eye(4)));
  EXPECT_FALSE(letters({"a"}).open(Order::sequential, 0)->dictionary().defined());
}

TEST(Source, keys_follow_what_decides_the_rows) {
  const auto key = [](auto change) {
    StreamParams params = small_windows();
    change(params);
    return letters({"ab"}, params).key();
  };
  const std::string plain = key([](StreamParams&) {});
  EXPECT_EQ(plain, key([](StreamParams& p) { p.buffer_rows = 99; }));
  EXPECT_EQ(plain, key([](StreamParams& p) { p.normalize = "layer_norm"; }));
  EXPECT_NE(plain, key([](StreamParams& p) { p.rows = "all"; }));
  EXPECT_NE(plain, key([](StreamParams& p) { p.batch_tokens = 99; }));
  EXPECT_NE(plain, letters({"ab"}, small_windows(), {"blocks.0.out"}).key());
  const auto stream = letters({"ab"});
  EXPECT_NE(stream.open(Order::shuffled, 1)->key(), stream.open(Order::shuffled, 2)->key());
  EXPECT_NE(stream.open(Order::shuffled, 1)->key(), stream.open(Order::sequential, 1)->key());
}

TEST(Source, refuses_a_sequence_longer_than_the_context) {
  const auto stream =
      letters({"ab", "abcdefgh"}, small_windows(), {"embeddings"}, std::make_shared<LetterHost>(6));
  EXPECT_EQ(refusal_of([&] { stream.open(Order::sequential, 0)->next(10); }),
            "record \"p1\": 10 tokens exceed the context of letters (6)\nset data.max_length to at "
            "most 4");
}

TEST(Source, refuses_a_letter_naming_the_record) {
  EXPECT_EQ(refusal_of([&] {
              letters({"ab", "aXb"}).open(Order::sequential, 0)->next(10);
            }),
            "letters: record \"p1\": letter \"X\" at position 2: not in the vocabulary");
}

TEST(Source, refuses_data_without_rows) {
  const std::string text =
      "activations: no rows: the data has no records, or none with a token that is kept";
  EXPECT_EQ(refusal_of([&] { letters({}).open(Order::shuffled, 0)->next(10); }), text);
  EXPECT_EQ(refusal_of([&] { letters({"", ""}).open(Order::sequential, 0)->next(10); }), text);
}

TEST(Source, refuses_hookpoints_of_different_width) {
  EXPECT_EQ(refusal_of([&] {
              letters({"ab"}, small_windows(), {"embeddings", "wide"});
            }),
            "activations.hookpoints: \"embeddings\" has width 4 and \"wide\" 6: must be equal");
}

TEST(Source, refuses_to_go_on_in_shorter_data) {
  const auto long_source = letters(words(30)).open(Order::shuffled, 1);
  for (int i = 0; i < 11; ++i) long_source->next(10);
  EXPECT_EQ(
      refusal_of([&] { letters(words(3)).open(Order::shuffled, 1)->seek(long_source->cursor()); }),
      "activations: record " + std::to_string(long_source->cursor().integer("item")) +
          " is where to go on, but the data ends after 3: it is not the data that the run began "
          "with");
}

}  // namespace
}  // namespace facet
