// Which rows a stream keeps: pads, high norms, and what it says of those left out.
#include <facet/torch.h>
#include <gtest/gtest.h>

#include "core/activations/letter_host.h"
#include "expect_refusal.h"

namespace facet {
namespace {

constexpr int64_t kZ = 26;

// "z" is a pad; the rows of "q" are 100 times as long as others.
ActivationStream filtered(std::vector<std::string> list, const StreamParams& params) {
  const auto host = std::make_shared<LetterHost>();
  host->pad_letter = kZ;
  host->loud_letter = 17;
  return ActivationStream(host, texts(std::move(list)), {"embeddings"}, params);
}

std::string kept(const ActivationStream& stream) {
  const Rows rows = stream.open(Order::sequential, 0)->next(1000);
  std::string out;
  for (int64_t i = 0; i < rows.size(); ++i) {
    const auto token = rows.token[i].item<int64_t>();
    out += token == 0 ? '<' : token == 27 ? '>' : static_cast<char>('a' + token - 1);
  }
  return out;
}

TEST(RowFilters, pads_are_left_out_unless_they_are_wanted) {
  StreamParams params = small_windows();
  const std::vector<std::string> list = {"abzz", "zzc", "zz"};
  const auto counted = [&] { return filtered(list, params).open(Order::sequential, 0); };
  EXPECT_EQ(kept(filtered(list, params)), "abc");
  EXPECT_EQ(counted()->epoch_rows(), 3);
  params.rows = "all";
  EXPECT_EQ(kept(filtered(list, params)), "<ab><c><>");
  EXPECT_EQ(counted()->epoch_rows(), 9);
  params.pads = true;
  EXPECT_EQ(kept(filtered(list, params)), "<abzz><zzc><zz>");
  EXPECT_EQ(counted()->epoch_rows(), 15);
  params.rows = "content";
  EXPECT_EQ(kept(filtered(list, params)), "abzzzzczz");
  EXPECT_EQ(counted()->epoch_rows(), 9);
}

TEST(RowFilters, rows_above_so_many_medians_of_their_piece_are_left_out) {
  StreamParams params = small_windows();
  params.max_norm = 10;
  EXPECT_EQ(kept(filtered({"abqcd", "qab"}, params)), "abcdab");
  params.max_norm = 1000;
  EXPECT_EQ(kept(filtered({"abqcd", "qab"}, params)), "abqcdqab");
  params.max_norm = 1;  // and the lower of two medians
  const Rows rows = filtered({"ab"}, params).open(Order::sequential, 0)->next(10);
  EXPECT_EQ(rows.size(), 1);
  EXPECT_EQ(filtered({"ab"}, params).open(Order::sequential, 0)->epoch_rows(), -1);
}

TEST(RowFilters, one_loud_hookpoint_is_enough) {
  StreamParams params = small_windows();
  params.max_norm = 10;
  const auto host = std::make_shared<LetterHost>();
  host->loud_letter = 2;
  const ActivationStream both(host, texts({"abc"}), {"embeddings", "blocks.0.out"}, params);
  EXPECT_EQ(kept(both), "ac");
}

TEST(RowFilters, what_was_left_out_is_counted_through_every_stop) {
  StreamParams params = small_windows(20, 16);
  params.max_norm = 10;
  std::vector<std::string> list;
  for (int i = 0; i < 30; ++i) list.push_back(i % 3 == 0 ? "abqz" : "abczz");
  const ActivationStream stream = filtered(list, params);
  const auto source = stream.open(Order::shuffled, 3);
  for (int step = 0; step < 40; ++step) {
    const Value cursor = parse_json(emit_json(source->cursor()), "cursor");
    const auto fresh = stream.open(Order::shuffled, 3);
    fresh->seek(cursor);
    const Rows a = source->next(7), b = fresh->next(7);
    ASSERT_TRUE(same_bits(a, b)) << step;
    ASSERT_EQ(source->left_out().pads, fresh->left_out().pads) << step;
    ASSERT_EQ(source->left_out().high_norm, fresh->left_out().high_norm) << step;
  }
  EXPECT_GT(source->left_out().high_norm, 10);
  EXPECT_GT(source->left_out().pads, 50);
}

TEST(RowFilters, are_part_of_the_streams_identity) {
  const std::vector<std::string> list = {"abc"};
  StreamParams params = small_windows();
  const std::string plain = filtered(list, params).key();
  EXPECT_EQ(filtered(list, params).row_policy(), "content");
  params.pads = true;
  const std::string pads = filtered(list, params).key();
  params.max_norm = 10;
  EXPECT_EQ(filtered(list, params).row_policy(), "content, pads, norms up to 10.0 medians");
  const std::string both = filtered(list, params).key();
  EXPECT_NE(plain, pads);
  EXPECT_NE(pads, both);
  params.prefetch = true;
  EXPECT_EQ(filtered(list, params).key(), both);
}

TEST(RowFilters, refuses_a_limit_below_the_median) {
  EXPECT_EQ(refusal_of([] {
              stream_schema().parse("activations", Value::Table{{"max_norm", 0.5}});
            }),
            "activations: max_norm must be 0 or at least 1");
}

}  // namespace
}  // namespace facet
