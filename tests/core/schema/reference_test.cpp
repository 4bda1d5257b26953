// What a schema says of itself.
#include "schema/reference.h"

#include <gtest/gtest.h>

using namespace facet;

namespace {

struct Split {
  double eval = 0;
};
struct Params {
  int64_t d_sae = 0;
  int64_t batch = 4096;
  double lr = 3e-4;
  std::string by = "name";
  std::string path;
  std::vector<double> range = {0.5, 1.5};
  std::vector<std::string> words;
  std::optional<int64_t> maybe;
  Value any;
  bool quick = true;
  Split split;
};

Schema<Params> schema() {
  return Schema<Params>()
      .field("d_sae", &Params::d_sae, "Number of latents.", required, at_least(1))
      .field("batch", &Params::batch, "Rows of one step.", at_least(1), unit("rows"),
             outside_identity)
      .field("lr", &Params::lr, "Learning rate.", above(0))
      .field("by", &Params::by, "a | b.", one_of({"name", "a|b"}))
      .field("path", &Params::path, "A file.", input_path)
      .field("range", &Params::range, "Least and largest.")
      .field("words", &Params::words, "Words.")
      .field("maybe", &Params::maybe, "An integer or nothing.")
      .field("any", &Params::any, "Anything.")
      .field("quick", &Params::quick, "A bool.")
      .field("split", &Params::split, "What is held out.",
             Schema<Split>().field("eval", &Split::eval, "Share.", between(0, 1)));
}

}  // namespace

TEST(FieldDoc, keeps_what_was_declared_and_reads_the_default_from_the_struct) {
  const std::vector<FieldDoc> docs = schema().docs();
  ASSERT_EQ(docs.size(), 11u);
  EXPECT_TRUE(docs[0].required);
  EXPECT_EQ(docs[0].default_text, "");
  EXPECT_EQ(docs[0].limits, "at least 1");
  EXPECT_EQ(docs[1].default_text, "4096");
  EXPECT_EQ(docs[1].unit, "rows");
  EXPECT_TRUE(docs[1].outside_identity);
  EXPECT_EQ(docs[2].default_text, "3e-04");
  EXPECT_EQ(docs[3].limits, "one of \"name\", \"a|b\"");
  EXPECT_TRUE(docs[4].input_path);
  EXPECT_EQ(docs[5].default_text, "[0.5, 1.5]");
  EXPECT_EQ(docs[7].type, "integer");
  EXPECT_EQ(docs[10].fields.size(), 1u);
}

TEST(HelpText, says_each_field_in_two_lines) {
  EXPECT_EQ(help_text(schema().docs()),
            "  d_sae       Number of latents. Must be at least 1.\n"
            "              (integer; required)\n"
            "  batch       Rows of one step. Must be at least 1. Outside the run's identity.\n"
            "              (integer, rows; default 4096)\n"
            "  lr          Learning rate. Must be above 0.\n"
            "              (number; default 3e-04)\n"
            "  by          a | b. Must be one of \"name\", \"a|b\".\n"
            "              (string; default \"name\")\n"
            "  path        A file.\n"
            "              (string, path; default \"\")\n"
            "  range       Least and largest.\n"
            "              (list of number; default [0.5, 1.5])\n"
            "  words       Words.\n"
            "              (list of string; default [])\n"
            "  maybe       An integer or nothing.\n"
            "              (integer; default none)\n"
            "  any         Anything.\n"
            "              (any; default none)\n"
            "  quick       A bool.\n"
            "              (bool; default true)\n"
            "  split       What is held out.\n"
            "              (table; default none)\n"
            "  split.eval  Share. Must be between 0 and 1.\n"
            "              (number; default 0.0)\n");
}

TEST(ReferenceTable, is_a_row_a_field_with_pipes_escaped) {
  std::vector<FieldDoc> docs = schema().docs();
  docs.erase(docs.begin() + 4, docs.begin() + 10);
  EXPECT_EQ(reference_table(docs),
            "| key | type | default | meaning |\n"
            "| --- | --- | --- | --- |\n"
            "| `d_sae` | integer | required | Number of latents. Must be at least 1. |\n"
            "| `batch` | integer, rows | `4096` | Rows of one step. Must be at least 1. Outside "
            "the run's identity. |\n"
            "| `lr` | number | `3e-04` | Learning rate. Must be above 0. |\n"
            "| `by` | string | `\"name\"` | a \\| b. Must be one of \"name\", \"a\\|b\". |\n"
            "| `split` | table | none | What is held out. |\n"
            "| `split.eval` | number | `0.0` | Share. Must be between 0 and 1. |\n");
}

TEST(HelpText, names_the_field_that_brings_another_into_the_identity) {
  const auto docs = Schema<Params>()
                        .field("batch", &Params::batch, "Rows.", outside_identity_unless("by"))
                        .docs();
  EXPECT_TRUE(docs[0].outside_identity);
  EXPECT_EQ(help_text(docs),
            "  batch  Rows. Outside the run's identity unless `by` is set.\n"
            "         (integer; default 4096)\n");
}

TEST(ReferenceTable, says_so_when_there_is_nothing_to_set) {
  EXPECT_EQ(reference_table({}), "It has no parameters.\n");
  EXPECT_EQ(help_text({}), "");
}
