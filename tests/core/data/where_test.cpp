// The policy `where` of [data]: records with one value in a column.
#include <gtest/gtest.h>

#include "core/data/records.h"
#include "core/plugin/temporary_folder.h"
#include "data/dataset.h"
#include "data/fasta.h"
#include "data/tsv.h"
#include "expect_refusal.h"

namespace facet {
namespace {

class Where : public testing::Test {
 protected:
  Dataset animals(const std::string& column, const std::string& is, Value::Table more = {}) {
    TsvParams source;
    source.path = table_.string();
    more["where"] = Value::Table{{"column", column}, {"is", is}};
    return Dataset(std::make_shared<Tsv>(source), section(std::move(more)), "animals");
  }
  static DatasetParams section(Value::Table fields) {
    fields["type"] = "tsv";
    return dataset_schema().parse("data", Value(std::move(fields)));
  }
  static std::string names(const Dataset& data) {
    std::string out;
    for (const Record& record : all_records(data.open())) out += record.id + " ";
    return out;
  }

  TemporaryFolder folder_;
  std::filesystem::path table_ = folder_.write("animals.tsv",
                                               "Entry\tSequence\tOrganism\tLength\n"
                                               "a\tMKV\tHuman\t3\n"
                                               "b\tMKVL\tMouse\t4\n"
                                               "c\tM\thuman\t1\n"
                                               "d\tMKVLA\tHuman\t5\n"
                                               "e\tMK\t\t2\n");
};

TEST_F(Where, keeps_the_records_with_one_value_in_a_column) {
  EXPECT_EQ(names(animals("Organism", "Human")), "a d ");
  EXPECT_EQ(names(animals("Organism", "")), "e ");
  EXPECT_EQ(names(animals("Organism", "Hum")), "");
}

TEST_F(Where, comes_before_every_choice_and_is_counted) {
  EXPECT_EQ(names(animals("Organism", "Human", {{"skip", 1}})), "d ");
  EXPECT_EQ(names(animals("Organism", "Human", {{"limit", 1}})), "a ");
  const Dataset short_ones = animals("Organism", "Human", {{"max_length", 3}});
  EXPECT_EQ(names(short_ones), "a ");
  EXPECT_EQ(short_ones.left_out(), "3 with another Organism, 1 longer than max_length, of 5 read");
  EXPECT_EQ(short_ones.tally().used, 1);
}

TEST_F(Where, refuses_a_column_that_is_not_there) {
  EXPECT_EQ(refusal_of([&] { names(animals("Organsim", "Human")); }),
            "data.where.column: record \"a\" has no column \"Organsim\" (did you mean "
            "\"Organism\"?)");
  EXPECT_EQ(refusal_of([&] { names(animals("Taxon", "Human")); }),
            "data.where.column: record \"a\" has no column \"Taxon\" (has \"Length\", "
            "\"Organism\")");
  FastaParams fasta;
  fasta.path = folder_.write("x.fasta", ">a\nM\n").string();
  const Dataset plain(std::make_shared<Fasta>(fasta),
                      section({{"where", Value::Table{{"column", "x"}, {"is", "y"}}}}), "");
  EXPECT_EQ(refusal_of([&] { names(plain); }),
            "data.where.column: record \"a\" has no column \"x\" (has \"description\")");
}

TEST_F(Where, refuses_half_a_condition) {
  EXPECT_EQ(refusal_of([&] {
              section({{"where", Value::Table{{"column", "Organism"}}}});
            }),
            "data.where.is: required");
  EXPECT_EQ(refusal_of([&] {
              section({{"where", Value::Table{{"column", ""}, {"is", "x"}}}});
            }),
            "data.where.column: is empty, should name a column");
}

}  // namespace
}  // namespace facet
