// The policies of [data], and how their order and parameters enter the key.
#include "data/dataset.h"

#include <gtest/gtest.h>

#include <set>

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
    const std::vector<Record>& records_;
    size_t at_ = 0;
  };
  std::vector<Record> records_;
};

std::vector<Record> records_of(const Dataset& data) {
  std::vector<Record> out;
  const auto reader = data.open();
  for (Record record; reader->next(record);) out.push_back(record);
  return out;
}

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

Dataset human(const DatasetParams& params) {
  return Dataset(std::make_shared<Fasta>(
                     FastaParams{FACET_TEST_SOURCE "/experiments/data/human_2000.fasta.gz", ""}),
                 params, "human");
}

DatasetParams with(int64_t limit, int64_t max_length, const std::string& longer, double eval = 0) {
  return {"few", limit, max_length, longer, {eval, "name"}};
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

TEST(Dataset, has_a_key_for_each_way_of_choosing_records) {
  const std::set<std::string> keys = {
      few(with(0, 0, "drop")).key(),
      few(with(3, 0, "drop")).key(),
      few(with(0, 3, "drop")).key(),
      few(with(0, 3, "truncate")).key(),
      few(with(0, 0, "drop", 0.05)).part(DataShare::train).key(),
      few(with(0, 0, "drop", 0.05)).part(DataShare::eval).key(),
      few(with(0, 0, "drop", 0.1)).part(DataShare::eval).key(),
  };
  EXPECT_EQ(keys.size(), 7);
  EXPECT_EQ(few(with(0, 0, "truncate")).key(), few(with(0, 0, "drop", 0.05)).key());
}

TEST(Dataset, refuses_a_part_without_a_split) {
  EXPECT_EQ(refusal_of([] { few(with(0, 0, "drop")).part(DataShare::eval); }),
            "data.split: is not set, so there is no eval part; set split = { eval = 0.05 }");
}

TEST(Dataset, refuses_policies_on_rows) {
  const auto rows = std::make_shared<Synthetic>(SyntheticParams());
  EXPECT_EQ(refusal_of([&] {
              Dataset(rows, {"synthetic", 5, 7, "drop", {0.5, "name"}}, "");
            }),
            "data.limit: is set, but \"synthetic\" makes rows, not records\n"
            "data.max_length: is set, but \"synthetic\" makes rows, not records\n"
            "data.split: is set, but \"synthetic\" makes rows, not records");
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
