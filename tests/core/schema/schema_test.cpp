// A whole table at once: required keys, unknown keys, relations, nesting, paths, and values in
// force.
#include "facet/schema.h"

#include <gtest/gtest.h>

#include "core/base/test_folder.h"
#include "core/schema/placed.h"
#include "expect_refusal.h"

using namespace facet;
namespace fs = std::filesystem;

namespace {

struct Split {
  double eval = 0;
  std::string by = "name";
};
struct Params {
  int64_t d_sae = 0;
  int64_t k = 32;
  std::string path;
  Split split;
};

Schema<Params> schema() {
  return Schema<Params>()
      .field("d_sae", &Params::d_sae, "Number of latents.", required, at_least(1))
      .field("k", &Params::k, "Latents kept per row.", at_least(1))
      .field("path", &Params::path, "A file.", input_path)
      .field("split", &Params::split, "What is held out.",
             Schema<Split>()
                 .field("eval", &Split::eval, "Share.", between(0, 1))
                 .field("by", &Split::by, "What is hashed.", one_of({"name", "text"})))
      .check([](const Params& p) {
        return p.k <= p.d_sae ? "" : "k: " + exceeds(p.k, "d_sae", p.d_sae);
      })
      .check([](const Params& p) { return p.k != 13; }, "k must not be 13");
}

std::string refusal_of_table(const Value& table) {
  return refusal_of([&] { schema().parse("sae", table); });
}

}  // namespace

TEST(Schema, fills_a_plain_struct_and_leaves_defaults_alone) {
  const Params p = schema().parse(
      "sae", Value(Value::Table{{"d_sae", 64}, {"split", Value::Table{{"eval", 0.05}}}}));
  EXPECT_EQ(p.d_sae, 64);
  EXPECT_EQ(p.k, 32);
  EXPECT_EQ(p.split.eval, 0.05);
  EXPECT_EQ(p.split.by, "name");
}

TEST(Schema, reports_all_problems_of_a_table_together) {
  const Value table =
      placed(Value::Table{{"d_sea", placed(10240, 22, 1)}, {"k", placed("32", 23, 5)}}, 21, 1);
  EXPECT_EQ(refusal_of_table(table),
            "topk.toml:22:1: sae.d_sea: unknown key (did you mean \"d_sae\"?)\n"
            "topk.toml:21:1: sae.d_sae: required\n"
            "topk.toml:23:5: sae.k: expected integer, got string \"32\"");
}

TEST(Schema, tries_relations_when_every_field_by_itself_is_right) {
  EXPECT_EQ(refusal_of_table(placed(Value::Table{{"d_sae", 8}}, 21, 1)),
            "topk.toml:21:1: sae.k: 32 exceeds d_sae (8)");
  EXPECT_EQ(refusal_of_table(placed(Value::Table{{"d_sae", 8}, {"k", 13}}, 21, 1)),
            "topk.toml:21:1: sae.k: 13 exceeds d_sae (8)\ntopk.toml:21:1: sae: k must not be 13");
  EXPECT_EQ(refusal_of_table(placed(Value::Table{{"d_sae", 8}, {"kk", placed(3, 22, 1)}}, 21, 1)),
            "topk.toml:22:1: sae.kk: unknown key");
}

TEST(Schema, refuses_what_is_no_table) {
  EXPECT_EQ(refusal_of_table(placed(3, 4, 1)), "topk.toml:4:1: sae: expected table, got integer 3");
  EXPECT_EQ(refusal_of_table(placed(Value::Array{1}, 4, 1)),
            "topk.toml:4:1: sae: expected table, got list of 1");
  EXPECT_EQ(refusal_of_table(Value()), "sae.d_sae: required");
  EXPECT_EQ(refusal_of_table(Value(Value::Array())), "sae.d_sae: required");
}

TEST(Schema, names_the_way_to_a_nested_key) {
  const Value split =
      placed(Value::Table{{"eval", placed(2, 9, 11)}, {"bye", placed("name", 9, 20)}}, 9, 9);
  EXPECT_EQ(refusal_of_table(placed(Value::Table{{"d_sae", 64}, {"split", split}}, 7, 1)),
            "topk.toml:9:20: sae.split.bye: unknown key (did you mean \"by\"?)\n"
            "topk.toml:9:11: sae.split.eval: integer 2, must be between 0 and 1");
  EXPECT_EQ(
      refusal_of_table(placed(Value::Table{{"d_sae", 64}, {"split", placed(0.05, 9, 1)}}, 7, 1)),
      "topk.toml:9:1: sae.split: expected table, got number 0.05");
}

TEST(Schema, of_a_part_of_a_table_checks_only_each_field_that_is_there) {
  const auto problems_of = [](const Value& table) {
    std::vector<std::string> problems;
    schema().parse_into("sae", table, Demand::part, problems);
    return problems;
  };
  EXPECT_EQ(problems_of(Value(Value::Table{{"k", 64}})), std::vector<std::string>());
  EXPECT_EQ(
      problems_of(Value(Value::Table{{"k", 0}, {"kk", 1}})),
      (std::vector<std::string>{"sae.kk: unknown key", "sae.k: integer 0, must be at least 1"}));
  // The script may still set k: relations wait.
  EXPECT_EQ(problems_of(Value(Value::Table{{"d_sae", 8}})), std::vector<std::string>());
}

TEST(Schema, takes_a_path_relative_to_the_folder_of_the_file_that_names_it) {
  const TestFolder folder;
  folder.write("data/x.fasta", ">a\n");
  fs::create_directory(folder / "experiments");
  const auto path_of = [&](const std::string& text) {
    const Value path = placed(text, 5, 1, (folder / "experiments").string());
    return schema().parse("sae", Value(Value::Table{{"d_sae", 64}, {"path", path}})).path;
  };
  EXPECT_EQ(path_of("../data/x.fasta"), (folder / "data/x.fasta").string());
  EXPECT_EQ(path_of("../data/"), (folder / "data").string());
  EXPECT_EQ(path_of((folder / "data/x.fasta").string()), (folder / "data/x.fasta").string());
  EXPECT_EQ(path_of(""), "");
}

TEST(Schema, refuses_a_path_where_nothing_is_and_says_where_it_looked) {
  const TestFolder folder;
  const auto refusal_of_path = [&](const std::string& text) {
    return refusal_of_table(
        Value(Value::Table{{"d_sae", 64}, {"path", placed(text, 5, 1, folder.path().string())}}));
  };
  const std::string home = folder.path().string();
  EXPECT_EQ(refusal_of_path("x.fasta"),
            "topk.toml:5:1: sae.path: \"x.fasta\" does not exist (" + home + "/x.fasta)");
  const std::string endless(5000, 'x');  // longer than any file system's names
  EXPECT_EQ(refusal_of_path(endless), "topk.toml:5:1: sae.path: \"" + endless +
                                          "\" does not exist (" + home + "/" + endless + ")");
}

TEST(Schema, gives_every_value_in_force_with_its_place) {
  const TestFolder folder;
  folder.write("x.fasta", "");
  const Value given =
      placed(Value::Table{{"d_sae", placed(64.0, 22, 1)},
                          {"path", placed("x.fasta", 23, 1, folder.path().string())},
                          {"split", placed(Value::Table{{"eval", placed(0.5, 24, 11)}}, 24, 9)}},
             21, 1);
  std::vector<std::string> problems;
  const AnyParams params = schema().erased().parse("sae", given, Demand::whole, problems);
  EXPECT_EQ(problems, std::vector<std::string>());
  EXPECT_EQ(params.as<Params>().d_sae, 64);
  const Value& resolved = params.resolved;
  EXPECT_EQ(resolved, Value(Value::Table{{"d_sae", 64},
                                         {"k", 32},
                                         {"path", (folder / "x.fasta").string()},
                                         {"split", Value::Table{{"eval", 0.5}, {"by", "name"}}}}));
  EXPECT_EQ(resolved.at("d_sae").origin.text(), "topk.toml:22:1");
  EXPECT_EQ(resolved.at("k").origin.text(), "");
  EXPECT_EQ(resolved.at("split").origin.text(), "topk.toml:24:9");
  EXPECT_EQ(resolved.at("split").at("eval").origin.text(), "topk.toml:24:11");
  EXPECT_EQ(resolved.at("split").at("by").origin.text(), "");
}
