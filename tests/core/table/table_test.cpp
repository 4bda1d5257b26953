// Tables: what is written reads back, and what eyes see.
#include "facet/table.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "expect_refusal.h"

namespace facet {
namespace {

Table proteins() {
  Table table({{"latent", "index"}, {"frequency", "share of rows"}, {"protein", "most active"}});
  table.add({7, 0.1, "P12345"});
  table.add({8, 1.0, Value()});
  return table;
}

Table one_column(const std::string& name) { return Table(std::vector<Column>{{name, ""}}); }

TEST(Tsv, has_a_header_line_and_shortest_floats) {
  EXPECT_EQ(emit_tsv(proteins()), "latent\tfrequency\tprotein\n7\t0.1\tP12345\n8\t1.0\t\n");
}

TEST(Tsv, replaces_tabs_and_line_ends_in_text) {
  Table table = one_column("a\tb");
  table.add({"one\ttwo\r\nthree"});
  EXPECT_EQ(emit_tsv(table), "a b\none two  three\n");
}

TEST(Tsv, reads_back_to_the_same_values) {
  Table table({{"x", ""}, {"y", ""}});
  for (const double x : {0.1, 1e22, -3.0, 5e-324, 1.0 / 3, std::numeric_limits<double>::infinity()})
    table.add({x, "text"});
  for (const char* text : {"007", "1E5", "+3", "0x10", "-", "1.50", "a b"})
    table.add({int64_t{1} << 62, text});
  const Table read = parse_tsv(emit_tsv(table), "x.tsv");
  EXPECT_EQ(read.rows(), table.rows());
  EXPECT_EQ(read.columns()[1].name, "y");
}

TEST(Tsv, writes_not_a_number_as_nan) {
  Table table = one_column("x");
  table.add({std::nan("")});
  EXPECT_EQ(emit_tsv(table), "x\nnan\n");
  EXPECT_TRUE(std::isnan(*parse_tsv("x\nnan\n", "x.tsv").rows()[0][0].as<double>()));
}

TEST(Tsv, reads_an_empty_cell_as_an_empty_value) {
  EXPECT_TRUE(parse_tsv("a\tb\n1\t\n", "x.tsv").rows()[0][1].empty());
}

TEST(Tsv, refuses_a_row_of_another_width) {
  EXPECT_EQ(refusal_of([] { parse_tsv("a\tb\n1\t2\n1\t2\t3\n", "x.tsv"); }),
            "x.tsv:3: 3 cells, should be 2");
}

TEST(Tsv, refuses_an_empty_text) {
  EXPECT_EQ(refusal_of([] { parse_tsv("", "x.tsv"); }),
            "x.tsv: empty, should start with a line of column names");
}

TEST(Markdown, aligns_numbers_right_and_escapes_bars) {
  Table table = proteins();
  table.add({9, 0.123456, "a|b"});
  EXPECT_EQ(emit_markdown(table),
            "| latent | frequency | protein |\n"
            "| ---: | ---: | --- |\n"
            "| 7 | 0.1 | P12345 |\n"
            "| 8 | 1 |  |\n"
            "| 9 | 0.1235 | a\\|b |\n");
}

TEST(ForEyes, shows_four_significant_digits) {
  EXPECT_EQ(for_eyes(0.12341234), "0.1234");
  EXPECT_EQ(for_eyes(12.3), "12.3");
  EXPECT_EQ(for_eyes(1.2e-7), "1.2e-07");
  EXPECT_EQ(for_eyes(123456), "123456");
  EXPECT_EQ(for_eyes(true), "true");
  EXPECT_EQ(for_eyes("text"), "text");
}

TEST(Table, head_keeps_the_first_rows_at_most) {
  EXPECT_EQ(proteins().head(1).rows().size(), 1u);
  EXPECT_EQ(proteins().head(9).rows().size(), 2u);
}

TEST(Table, asserts_one_value_a_column) {
  Table table = one_column("a");
  EXPECT_THROW(table.add({1, 2}), Bug);
}

}  // namespace
}  // namespace facet
