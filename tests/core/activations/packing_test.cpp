// Packed streams: records joined and cut into sequences of one length.
#include <facet/torch.h>
#include <gtest/gtest.h>

#include <set>

#include "activations/activation_store.h"
#include "activations/codes_store.h"
#include "base/sinks.h"
#include "core/activations/letter_host.h"
#include "core/activations/small_sae.h"
#include "core/base/test_folder.h"
#include "expect_refusal.h"

namespace facet {
namespace {

StreamParams packed(int64_t length, const std::string& begin = "each") {
  StreamParams params = small_windows();
  params.rows = "all";
  params.pack = length;
  params.pack_begin = begin;
  return params;
}

std::shared_ptr<LetterHost> causal_host() {
  const auto host = std::make_shared<LetterHost>();
  host->set_causal();
  host->pad_letter = 26;
  return host;
}

ActivationStream packed_stream(std::vector<std::string> list, const StreamParams& params) {
  return ActivationStream(causal_host(), texts(std::move(list)), {"embeddings"}, params);
}

// The sequences of a sequential pass, "<abc a>b".
std::string sequences_of(const ActivationStream& stream) {
  const Rows rows = stream.open(Order::sequential, 0)->next(1000);
  std::string out;
  for (int64_t i = 0; i < rows.size(); ++i) {
    if (i > 0 && !torch::equal(rows.sequence[i], rows.sequence[i - 1])) out += ' ';
    const auto token = rows.token[i].item<int64_t>();
    out += token == 0 ? '<' : token == 27 ? '>' : static_cast<char>('a' + token - 1);
  }
  return out;
}

TEST(Packing, joins_records_and_drops_the_rest) {
  const std::vector<std::string> list = {"ab", "", "cdefg", "h"};
  EXPECT_EQ(sequences_of(packed_stream(list, packed(4, "records"))), "<ab> <><c defg ><h>");
  EXPECT_EQ(sequences_of(packed_stream({"ab"}, packed(4, "records"))), "<ab>");
}

TEST(Packing, begins_each_sequence_as_saelens_does) {
  EXPECT_EQ(sequences_of(packed_stream({"abcde", "fg", "h"}, packed(4))), "<abc <de> <fg>");
  EXPECT_EQ(sequences_of(packed_stream({"ab", "cdef"}, packed(5))), "<ab>< <cdef");  // never twice
  const auto rows = packed_stream({"abcde"}, packed(4)).open(Order::sequential, 0)->next(100);
  EXPECT_EQ(rows.flag[4].item<int64_t>(), kSpecial);
  EXPECT_EQ(rows.position[4].item<int64_t>(), 0);
}

TEST(Packing, leaves_out_pads) {
  EXPECT_EQ(sequences_of(packed_stream({"abzz", "czz"}, packed(4, "records"))), "<ab>");
}

TEST(Packing, counts_packed_sequences_and_their_rows) {
  StreamParams params = packed(4);
  params.rows = "content";
  const ActivationStream stream = packed_stream({"abcde", "fg", "h"}, params);
  const RowCount count = stream.feed()->count();
  EXPECT_EQ(count.rows, 7);
  EXPECT_EQ(count.sequences, 3);
  EXPECT_EQ(stream.open(Order::sequential, 0)->epoch_rows(), 7);
}

TEST(Packing, goes_on_with_the_same_bits_live_and_from_a_store) {
  const ActivationStream stream = packed_stream(words(60), packed(7));
  const TestFolder folder;
  NoSink events;
  build_activations(folder.path(), stream, stream.raw_key(), events, [] {});
  ActivationStream stored = stream;
  stored.read_from(open_activations(folder.path(), stream.raw_key()));
  const auto source = stream.open(Order::shuffled, 3);
  for (int step = 0; step < 20; ++step) {
    const Value cursor = parse_json(emit_json(source->cursor()), "cursor");
    const auto live = stream.open(Order::shuffled, 3), disk = stored.open(Order::shuffled, 3);
    live->seek(cursor);
    disk->seek(cursor);
    const Rows rows = source->next(13);
    EXPECT_TRUE(same_bits(rows, live->next(13)));
    EXPECT_TRUE(same_bits(rows, disk->next(13)));
  }
}

TEST(Packing, is_part_of_the_key) {
  std::set<std::string> keys;
  for (const StreamParams& params : {packed(0), packed(4), packed(5), packed(4, "records")})
    keys.insert(packed_stream({"ab"}, params).key());
  EXPECT_EQ(keys.size(), 4U);
  EXPECT_EQ(packed_stream({"ab"}, packed(4)).describe().integer("pack"), 4);
  EXPECT_EQ(packed_stream({"ab"}, packed(0)).describe().find("pack"), nullptr);
}

TEST(Packing, names_sequences_by_the_records_they_come_from) {
  const ActivationStream stream = packed_stream({"abcde", "fg", "h"}, packed(5, "records"));
  const auto reader = stream.tokens();
  std::string out;
  for (Tokens tokens; reader->next(tokens);)
    out += reader->info().id + "=" + reader->info().text + " ";
  EXPECT_EQ(out, "p0/1-5=<abcd p0/6 to p1/3=e><fg ");
}

TEST(Packing, names_the_sequences_of_codes_and_refuses_to_pool_them) {
  Registry registry;
  add_core_normalisers(registry);
  const auto normaliser = make_normaliser(registry, {}, "normalize");
  const auto sae = small_sae({16, 3});
  const ActivationStream stream = packed_stream({"abcde", "fg", "h"}, packed(5));
  const TestFolder folder;
  NoSink events;
  const auto build = [&](Pool pool) {
    build_codes(
        folder.path(), *sae, *normaliser, stream, "the key", events, [] {}, pool);
  };
  EXPECT_EQ(
      refusal_of([&] { build(Pool::mean); }),
      "encode: pool is \"mean\", but activations.pack joins records: a row would be of several");
  build(Pool::none);
  const auto codes = open_codes(folder.path());
  std::string names;
  for (const SequenceInfo& sequence : codes->sequences()) names += sequence.id + " ";
  EXPECT_EQ(names, "p0/1-5 p0/6 to p1/2 p1/3 to p2/2 ");
  EXPECT_EQ(codes->ids().sequence.max().item<int64_t>(), 2);
}

TEST(Packing, refuses_what_makes_no_sense) {
  const auto refusal = [](std::shared_ptr<LetterHost> host, const StreamParams& params) {
    return refusal_of([&] { ActivationStream(host, texts({"ab"}), {"embeddings"}, params); });
  };
  EXPECT_EQ(
      refusal(std::make_shared<LetterHost>(), packed(4)),
      "activations.pack: is 4, but the host letters sees tokens on both sides: joined records "
      "would change each other's rows");
  const auto small = std::make_shared<LetterHost>(3);
  small->set_causal();
  EXPECT_EQ(refusal(small, packed(4)),
            "activations.pack: is 4, should be at most the context of letters (3)");
  const auto endless = std::make_shared<LetterHost>();
  endless->set_causal(-1);
  EXPECT_EQ(refusal(endless, packed(4)),
            "activations.pack_begin: is \"each\", but the host letters has no token that begins a "
            "text, should be \"records\"");
  EXPECT_EQ(
      refusal_of([] { ActivationStream(dataset_of(std::make_shared<WaveData>(8)), packed(4)); }),
      "activations.pack: is \"4\", should be \"0\": this data makes rows by itself");
  const auto parse = [](const Value::Table& given) {
    return refusal_of([&] { stream_schema().parse("activations", Value(given)); });
  };
  EXPECT_EQ(parse({{"pack", 1}}), "activations: pack must be 0 or at least 2");
  EXPECT_EQ(parse({{"pack_begin", "records"}}), "activations.pack_begin: is set, but pack is not");
  EXPECT_EQ(parse({{"pack", 4}, {"pool", "mean"}}),
            "activations.pack: is set, but pool makes one row of a whole record");
}

}  // namespace
}  // namespace facet
