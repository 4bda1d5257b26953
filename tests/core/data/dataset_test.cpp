// The policies of [data], and how their order and parameters enter the key.
#include "data/dataset.h"

#include <gtest/gtest.h>

#include <set>

#include "core/data/records.h"
#include "core/plugin/temporary_folder.h"
#include "data/fasta.h"
#include "data/synthetic.h"
#include "expect_refusal.h"

namespace facet {
namespace {

class Few final : public Data {
 public:
  explicit Few(std::vector<Record> records) : records_(std::move(records)) {}
  std::unique_ptr<RecordReader> open() const override { return std::make_unique<Reader>(records_); }

 private:
  struct Reader final : RecordReader {
    explicit Reader(const std::vector<Record>& records) : records_(records) {}
    bool next(Record& record) override {
      if (at_ == records_.size()) return false;
      record = records_[at_++];
      return true;
    }
    const std::vector<Record> records_;
    size_t at_ = 0;
  };
  std::vector<Record> records_;
};

std::vector<Record> records_of(const Dataset& data) { return all_records(data.open()); }

std::string ids_of(const Dataset& data) {
  std::string out;
  for (const Record& record : records_of(data)) out += record.id + " ";
  return out;
}

Dataset few(const DatasetParams& params) {
  return Dataset(std::make_shared<Few>(std::vector<Record>{
                     {"a", "MKV", {}, {}},
                     {"b", "MKVLAAG", {{1, 3, "x"}, {2, 7, "y"}, {5, 6, "z"}}, {}},
                     {"c", "M", {}, {}},
                     {"d", "MKVLA", {}, {}}}),
                 params, "key");
}

/// Records r0=M, r1=MM, r2=MMM, ...
Dataset many(int64_t count, const DatasetParams& params) {
  std::vector<Record> records;
  for (int64_t i = 0; i < count; ++i)
    records.push_back(
        {"r" + std::to_string(i), std::string(static_cast<size_t>(i + 1), 'M'), {}, {}});
  return Dataset(std::make_shared<Few>(std::move(records)), params, "many");
}

Dataset human(const DatasetParams& params) {
  FastaParams source;
  source.path = FACET_TEST_SOURCE "/experiments/data/human_2000.fasta.gz";
  return Dataset(std::make_shared<Fasta>(source), params, "human");
}

DatasetParams with(int64_t limit, int64_t max_length, const std::string& longer, double eval = 0) {
  DatasetParams params;
  params.type = "few";
  params.limit = limit;
  params.max_length = max_length;
  params.longer = longer;
  params.split.eval = eval;
  return params;
}

/// The section [data] with the given fields beside its type.
DatasetParams parsed(const Value::Table& fields) {
  Value given{fields};
  given.set("type", "few");
  return dataset_schema().parse("data", given);
}

TEST(Dataset, drops_or_truncates_what_is_longer) {
  EXPECT_EQ(ids_of(few(with(0, 3, "drop"))), "a c ");
  const auto cut = records_of(few(with(0, 5, "truncate")));
  ASSERT_EQ(cut.size(), 4);
  EXPECT_EQ(cut[1].text, "MKVLA");
  ASSERT_EQ(cut[1].spans.size(), 2);
  EXPECT_EQ(cut[1].spans[0].end, 3);
  EXPECT_EQ(cut[1].spans[1].end, 5);
}

TEST(Dataset, limits_after_the_length_policy) {
  EXPECT_EQ(ids_of(few(with(2, 0, "drop"))), "a b ");
  EXPECT_EQ(ids_of(few(with(2, 3, "drop"))), "a c ");
}

TEST(Dataset, cuts_longer_records_into_windows_named_by_their_letters) {
  const auto windows = records_of(few(with(0, 3, "window")));
  EXPECT_EQ(shown(windows), "a=MKV b/1-3=MKV b/4-6=LAA b/7-7=G c=M d/1-3=MKV d/4-5=LA ");
  const auto spans = [&](size_t i) {
    std::string out;
    for (const Span& s : windows[i].spans)
      out += s.label + std::to_string(s.begin) + "-" + std::to_string(s.end) + " ";
    return out;
  };
  EXPECT_EQ(spans(1), "x1-3 y2-3 ");
  EXPECT_EQ(spans(2), "y0-3 z2-3 ");
  EXPECT_EQ(spans(3), "y0-1 ");
}

TEST(Dataset, tears_no_character_of_utf8) {
  const auto cut = [](const std::string& longer) {
    return shown(records_of(
        Dataset(std::make_shared<Few>(std::vector<Record>{{"t", "a\xC3\xA4\xE2\x82\xAC", {}, {}}}),
                with(0, 2, longer), "key")));
  };
  EXPECT_EQ(cut("truncate"), "t=a ");
  EXPECT_EQ(cut("window"), "t/1-1=a t/2-3=\xC3\xA4 t/4-5=\xE2\x82 t/6-6=\xAC ");  // none fits
}

Dataset texts_of(const DatasetParams& params) {
  return Dataset(
      std::make_shared<Few>(std::vector<Record>{{"a",
                                                 " one  two\tthree\nfour\xC2\xA0"
                                                 "five ",
                                                 {{0, 3, "x"}},
                                                 {{"author", "Ada"}}},
                                                {"blank", " \xE3\x80\x80\n", {}, {}},
                                                {"b", "na\xC3\xAFve caf\xC3\xA9", {}, {}}}),
      params, "texts");
}

TEST(Dataset, cuts_texts_into_records_of_so_many_words) {
  EXPECT_EQ(shown(records_of(texts_of(parsed({{"words", 2}})))),
            "a/words-1=one two a/words-2=three four a/words-3=five "
            "b/words-1=na\xC3\xAFve caf\xC3\xA9 ");
  EXPECT_EQ(shown(records_of(texts_of(parsed({{"words", 9}})))),
            "a/words-1=one two three four five b/words-1=na\xC3\xAFve caf\xC3\xA9 ");
  const Record first = records_of(texts_of(parsed({{"words", 2}}))).front();
  EXPECT_EQ(first.columns.at("author"), "Ada");
  EXPECT_TRUE(first.spans.empty());
}

TEST(Dataset, counts_whole_records_and_never_their_words) {
  EXPECT_EQ(ids_of(texts_of(parsed({{"words", 2}, {"limit", 1}}))),
            "a/words-1 a/words-2 a/words-3 ");
  EXPECT_EQ(shown(records_of(
                texts_of(parsed({{"words", 2}, {"max_length", 9}, {"longer", "truncate"}})))),
            "a/words-1=one two b/words-1=na\xC3\xAFve ca ");
  EXPECT_EQ(texts_of(parsed({{"words", 2}})).tally().used, 3);
}

TEST(Dataset, counts_whole_records_and_never_windows) {
  EXPECT_EQ(ids_of(few(with(2, 3, "window"))), "a b/1-3 b/4-6 b/7-7 ");
  EXPECT_EQ(
      ids_of(few(parsed({{"skip", 1}, {"limit", 2}, {"max_length", 5}, {"longer", "window"}}))),
      "b/1-5 b/6-7 c ");
}

TEST(Dataset, skips_before_it_limits_and_after_it_dropped) {
  EXPECT_EQ(ids_of(few(parsed({{"skip", 1}, {"limit", 2}}))), "b c ");
  EXPECT_EQ(ids_of(few(parsed({{"skip", 1}, {"limit", 2}, {"max_length", 5}}))), "c d ");
  EXPECT_EQ(ids_of(few(parsed({{"skip", 9}}))), "");
}

TEST(Dataset, draws_a_sample_of_the_limited_records_in_their_order) {
  const auto sample = [](int64_t n, int64_t seed) {
    return many(1000,
                parsed({{"skip", 100}, {"limit", 500}, {"sample", n}, {"sample_seed", seed}}));
  };
  const Dataset data = sample(50, 1);
  const auto records = records_of(data);
  ASSERT_EQ(records.size(), 50u);
  for (size_t i = 0; i < records.size(); ++i) {
    EXPECT_GT(records[i].text.size(), i ? records[i - 1].text.size() : 100u);
    EXPECT_LE(records[i].text.size(), 600u);
  }
  EXPECT_EQ(shown(records_of(data)), shown(records));
  EXPECT_EQ(shown(records_of(sample(50, 1))), shown(records));
  EXPECT_NE(shown(records_of(sample(50, 2))), shown(records));
  EXPECT_EQ(records_of(sample(500, 1)).size(), 500u);
  EXPECT_EQ(records_of(sample(501, 1)).size(), 500u);
}

TEST(Dataset, draws_each_record_equally_often) {
  // Each of 20 records is in 5 of 20 with p = 1/4: over 2000 draws 500 times, deviation 19.4.
  constexpr int kDraws = 2000;
  constexpr double kFiveDeviations = 97;
  std::vector<int> drawn(20);
  for (int seed = 0; seed < kDraws; ++seed)
    for (const Record& record :
         records_of(many(20, parsed({{"sample", 5}, {"sample_seed", seed}}))))
      ++drawn[record.text.size() - 1];
  for (const int times : drawn) EXPECT_NEAR(times, kDraws / 4, kFiveDeviations);
}

TEST(Dataset, a_larger_sample_holds_the_smaller_one) {
  std::set<std::string> larger;
  for (const Record& record : records_of(many(200, parsed({{"sample", 60}}))))
    larger.insert(record.id);
  for (const Record& record : records_of(many(200, parsed({{"sample", 20}}))))
    EXPECT_TRUE(larger.contains(record.id));
}

TEST(Dataset, takes_letters_in_upper_case_when_asked) {
  const auto source = std::make_shared<Few>(std::vector<Record>{{"a", "mkVx*-\xC3\xA4", {}, {}}});
  EXPECT_EQ(shown(records_of(Dataset(source, parsed({}), ""))), "a=mkVx*-\xC3\xA4 ");
  EXPECT_EQ(shown(records_of(Dataset(source, parsed({{"case", "upper"}}), ""))),
            "a=MKVX*-\xC3\xA4 ");
}

TEST(Dataset, leaves_out_exactly_the_sequences_of_another_file) {
  const TemporaryFolder folder;
  const std::string other =
      folder.write("other.fasta.gz", ">x\nMKVL\nA\n>y\nm\n>z\nMKVLAA\n").string();
  EXPECT_EQ(ids_of(few(parsed({{"exclude", other}}))), "a b c ");
  EXPECT_EQ(ids_of(few(parsed({{"exclude", other}, {"case", "upper"}}))), "a b ");
  // The whole text counts, whatever is cut from it, and what is left out does not count for limit.
  EXPECT_EQ(ids_of(few(parsed({{"exclude", other},
                               {"max_length", 5},
                               {"longer", "truncate"},
                               {"case", "upper"},
                               {"limit", 2}}))),
            "a b ");
}

TEST(Dataset, refuses_a_file_of_exclude_that_is_no_fasta) {
  const TemporaryFolder folder;
  const std::string other = folder.write("other.tsv", "Entry\tSequence\n").string();
  EXPECT_EQ(refusal_of([&] {
              few(parsed({{"exclude", other}}));
            }),
            other +
                ":1: text before the first header: \"Entry\tSequence\", should be a line that "
                "starts with \">\"");
}

TEST(Dataset, tells_what_it_left_out) {
  const TemporaryFolder folder;
  const std::string other = folder.write("other.fasta", ">x\nM\n").string();
  const Dataset data = few(parsed({{"exclude", other}, {"max_length", 5}, {"skip", 1}}));
  EXPECT_EQ(data.left_out(), "1 excluded, 1 longer than max_length, of 4 read");
  EXPECT_EQ(data.tally().used, 1);
  EXPECT_EQ(few(parsed({{"exclude", other}, {"limit", 2}})).left_out(), "0 excluded, of 2 read");
  EXPECT_EQ(few(parsed({{"max_length", 5}, {"longer", "window"}})).left_out(), "");
}

TEST(Dataset, counts_once_for_all_its_copies) {
  struct Once final : Data {
    std::unique_ptr<RecordReader> open() const override {
      ++opened;
      return Few({{"a", "M", {}, {}}, {"b", "MK", {}, {}}}).open();
    }
    mutable int opened = 0;
  };
  const auto source = std::make_shared<Once>();
  const Dataset data(source, parsed({{"split", Value::Table{{"eval", 0.5}}}}), "");
  records_of(data.part(DataShare::train));
  EXPECT_EQ(data.tally().read, 2);
  EXPECT_EQ(data.part(DataShare::eval).tally().used, 2);
  EXPECT_EQ(source->opened, 1);
}

TEST(Dataset, splits_the_limited_records_into_disjoint_parts) {
  const Dataset all = human(with(400, 0, "drop", 0.05));
  const auto train = records_of(all.part(DataShare::train));
  const auto eval = records_of(all.part(DataShare::eval));
  EXPECT_EQ(train.size() + eval.size(), 400);
  EXPECT_EQ(records_of(all).size(), 400);
  std::set<std::string> names;
  for (const Record& record : train) names.insert(record.id);
  for (const Record& record : eval) EXPECT_FALSE(names.contains(record.id));
}

TEST(Dataset, holds_out_the_names_whose_hash_is_divisible) {
  // As whole numbers, sha256("abc") leaves 0 and sha256("") leaves 4 when divided by 5.
  EXPECT_TRUE(held_out("abc", {0.2, "name"}));
  EXPECT_FALSE(held_out("", {0.2, "name"}));
  EXPECT_FALSE(held_out("abc", {0.05, "name"}));
  EXPECT_EQ(records_of(human(with(0, 0, "drop", 0.05)).part(DataShare::eval)).size(), 105);
  EXPECT_FALSE(held_out("", {0, "name"}));
}

TEST(Dataset, holds_out_equal_sequences_together_when_asked) {
  std::vector<Record> records;
  for (int i = 0; i < 400; ++i)
    records.push_back(
        {"r" + std::to_string(i), std::string(static_cast<size_t>(i / 4 + 1), 'M'), {}, {}});
  const auto sides = [&](const Value::Table& fields) {
    const Dataset data(std::make_shared<Few>(records), parsed(fields), "");
    std::set<std::string> train, eval, both;
    for (const Record& r : records_of(data.part(DataShare::train))) train.insert(r.text);
    for (const Record& r : records_of(data.part(DataShare::eval))) eval.insert(r.text);
    EXPECT_FALSE(train.empty() || eval.empty());
    for (const std::string& text : eval)
      if (train.contains(text)) both.insert(text);
    return both.size();
  };
  EXPECT_GT(sides({{"split", Value::Table{{"eval", 0.25}}}}), 0u);
  const Value by_sequence = Value::Table{{"eval", 0.25}, {"by", "sequence"}};
  EXPECT_EQ(sides({{"split", by_sequence}}), 0u);
  // Two texts that are equal once they are truncated are one.
  EXPECT_EQ(sides({{"split", by_sequence}, {"max_length", 60}, {"longer", "truncate"}}), 0u);
}

TEST(Dataset, keeps_the_windows_of_a_record_on_one_side_of_the_split) {
  for (const char* by : {"name", "sequence"}) {
    const Dataset data = many(60, parsed({{"max_length", 7},
                                          {"longer", "window"},
                                          {"split", Value::Table{{"eval", 0.5}, {"by", by}}}}));
    const auto owners = [&](DataShare share) {
      std::set<std::string> out;
      for (const Record& r : records_of(data.part(share)))
        out.insert(r.id.substr(0, r.id.find('/')));
      return out;
    };
    const auto train = owners(DataShare::train), eval = owners(DataShare::eval);
    EXPECT_EQ(train.size() + eval.size(), 60u);
    const auto whole = many(60, parsed({{"split", Value::Table{{"eval", 0.5}, {"by", by}}}}));
    EXPECT_EQ(eval.size(), records_of(whole.part(DataShare::eval)).size());
  }
}

TEST(Dataset, has_a_key_for_each_way_of_choosing_records) {
  const TemporaryFolder folder;
  const std::string one = folder.write("one.fasta", ">x\nM\n").string();
  const std::string same = folder.write("same.fasta", ">x\nM\n").string();
  const std::string two = folder.write("two.fasta", ">x\nMK\n").string();
  const Value::Table ways[] = {{},
                               {{"limit", 3}},
                               {{"skip", 3}},
                               {{"sample", 3}},
                               {{"sample", 3}, {"sample_seed", 1}},
                               {{"max_length", 3}},
                               {{"max_length", 3}, {"longer", "truncate"}},
                               {{"max_length", 3}, {"longer", "window"}},
                               {{"words", 3}},
                               {{"words", 4}},
                               {{"case", "upper"}},
                               {{"exclude", one}},
                               {{"exclude", two}},
                               {{"where", Value::Table{{"column", "a"}, {"is", "b"}}}},
                               {{"where", Value::Table{{"column", "a"}, {"is", "c"}}}},
                               {{"where", Value::Table{{"column", "b"}, {"is", "b"}}}}};
  std::set<std::string> keys;
  for (const Value::Table& way : ways) keys.insert(few(parsed(way)).key());
  for (const double eval : {0.05, 0.1})
    for (const char* by : {"name", "sequence"})
      for (const DataShare share : {DataShare::train, DataShare::eval})
        keys.insert(
            few(parsed({{"split", Value::Table{{"eval", eval}, {"by", by}}}})).part(share).key());
  EXPECT_EQ(keys.size(), std::size(ways) + 8);
  EXPECT_EQ(few(parsed({{"exclude", one}})).key(), few(parsed({{"exclude", same}})).key());
  EXPECT_EQ(few(parsed({})).key(), few(with(0, 0, "drop", 0.05)).key());
  EXPECT_EQ(few(parsed({{"sample_seed", 5}})).key(), few(parsed({})).key());
}

TEST(Dataset, refuses_a_part_without_a_split) {
  EXPECT_EQ(refusal_of([] { few(with(0, 0, "drop")).part(DataShare::eval); }),
            "data.split: is not set, so there is no eval part; set split = { eval = 0.05 }");
}

TEST(Dataset, refuses_policies_on_rows) {
  const auto rows = std::make_shared<Synthetic>(SyntheticParams());
  DatasetParams params = parsed({{"case", "upper"},
                                 {"where", Value::Table{{"column", "a"}, {"is", "b"}}},
                                 {"exclude", "/dev/null"},
                                 {"max_length", 7},
                                 {"words", 4},
                                 {"skip", 1},
                                 {"limit", 5},
                                 {"sample", 2},
                                 {"split", Value::Table{{"eval", 0.5}}}});
  params.type = "synthetic";
  std::string refusal;
  for (const char* field :
       {"case", "where", "exclude", "max_length", "words", "skip", "limit", "sample", "split"})
    refusal += (refusal.empty() ? "data." : "\ndata.") + std::string(field) +
               ": is set, but \"synthetic\" makes rows, not records";
  EXPECT_EQ(refusal_of([&] { Dataset(rows, params, ""); }), refusal);
}

TEST(Dataset, refuses_a_length_policy_without_a_length) {
  EXPECT_EQ(refusal_of([] {
              parsed({{"longer", "window"}});
            }),
            "data.longer: is set, but max_length is not");
  EXPECT_EQ(refusal_of([] {
              parsed({{"longer", "split"}});
            }),
            "data.longer: string \"split\", must be one of \"drop\", \"truncate\", \"window\"");
}

TEST(Dataset, refuses_words_of_windows) {
  EXPECT_EQ(refusal_of([] {
              parsed({{"words", 3}, {"max_length", 9}, {"longer", "window"}});
            }),
            "data.words: is set, but longer is \"window\": records are cut by words or by letters");
}

TEST(Dataset, refuses_shares_that_are_no_unit_fraction) {
  const auto parse = [](double eval) {
    Value given = Value::Table{{"type", "fasta"}, {"split", Value::Table{{"eval", eval}}}};
    dataset_schema().parse("data", given);
  };
  EXPECT_NO_THROW(parse(0.05));
  EXPECT_NO_THROW(parse(0.333));
  EXPECT_EQ(refusal_of([&] { parse(0.3); }),
            "data.split: eval is 0.3, should be 1/n for a whole n of at least 2 (1/3 = 0.333333)");
  EXPECT_EQ(refusal_of([&] { parse(0.9); }),
            "data.split.eval: number 0.9, must be between 0 and 0.5");
}

}  // namespace
}  // namespace facet
