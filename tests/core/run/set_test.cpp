// --set: one assignment laid over the manifest.
#include <gtest/gtest.h>

#include "expect_refusal.h"
#include "run/manifest.h"

using namespace facet;

namespace {

Value manifest() {
  return Value(Value::Table{
      {"seed", 7},
      {"sae", Value::Table{{"k", 16}, {"type", "topk"}}},
      {"analysis", Value::Array{Value::Table{{"type", "a"}}, Value::Table{{"type", "b"}}}}});
}

Value with(const std::string& assignment) {
  Value out = manifest();
  lay_set(out, assignment);
  return out;
}

std::string refusal_of_set(const std::string& assignment) {
  return refusal_of([&] { with(assignment); });
}

}  // namespace

TEST(LaySet, replaces_and_adds_values_at_any_depth) {
  EXPECT_EQ(with("seed=8").at("seed"), Value(8));
  EXPECT_EQ(with("sae.k=64").at("sae"), Value(Value::Table{{"k", 64}, {"type", "topk"}}));
  EXPECT_EQ(with("sae.d_sae=1e3").at("sae").at("d_sae"), Value(1000.0));
  EXPECT_EQ(with("train.steps=5").at("train"), Value(Value::Table{{"steps", 5}}));
  EXPECT_EQ(with("data.split.eval=0.5").at("data"),
            Value(Value::Table{{"split", Value::Table{{"eval", 0.5}}}}));
  EXPECT_EQ(with("data={ type = 'fasta' }").at("data"), Value(Value::Table{{"type", "fasta"}}));
  Value none;
  lay_set(none, "sae.k=1");
  EXPECT_EQ(none, Value(Value::Table{{"sae", Value::Table{{"k", 1}}}}));
}

TEST(LaySet, counts_items_of_a_list_from_1) {
  const Value v = with("analysis.2.alpha=0.01");
  EXPECT_EQ(v.array("analysis")[1], Value(Value::Table{{"type", "b"}, {"alpha", 0.01}}));
  EXPECT_EQ(v.array("analysis")[0], Value(Value::Table{{"type", "a"}}));
}

TEST(LaySet, reads_values_as_toml_and_as_text_where_they_are_none) {
  const struct {
    const char* text;
    Value value;
  } cases[] = {
      {"0.5", 0.5},
      {"true", true},
      {"[1, 'a']", Value::Array{1, "a"}},
      {"\"32\"", "32"},
      {"topk", "topk"},
      {"a b=c", "a b=c"},
      {"layers.{1..3}", "layers.{1..3}"},
      {"", ""},
      {"2024-01-31", "2024-01-31"},
      {"C:\\x", "C:\\x"},
      {"1\nseed = 2", "1\nseed = 2"},  // not a second assignment
  };
  for (const auto& c : cases)
    EXPECT_EQ(with(std::string("notes=") + c.text).at("notes"), c.value) << c.text;
}

TEST(LaySet, gives_every_value_the_place_of_the_command_line) {
  const Value v = with("data={ split = { eval = 2 }, list = [1] }");
  const std::string here = std::filesystem::current_path().string();
  for (const Value* each : {&v.at("data"), &v.at("data").at("split"),
                            &v.at("data").at("split").at("eval"), &v.at("data").array("list")[0]}) {
    EXPECT_EQ(each->origin.text(), "--set");
    EXPECT_EQ(each->origin.folder, here);
  }
  EXPECT_EQ(with("train.steps=1").at("train").origin.text(), "--set");
}

TEST(LaySet, refuses_what_is_no_assignment) {
  for (const char* text : {"sae.k", "=64", "sae.=3", ".k=3", "sae..k=3", ""})
    EXPECT_EQ(refusal_of_set(text),
              std::string("--set: \"") + text + "\", should be KEY=VALUE, for instance sae.k=64");
}

TEST(LaySet, refuses_a_way_that_leads_nowhere) {
  const struct {
    const char *text, *refusal;
  } cases[] = {
      {"sae.k.x=1", "--set: sae.k.x=1: \"k\" is integer 16, should be a table"},
      {"analysis.3.alpha=1", "--set: analysis.3.alpha=1: \"3\", should be an item from 1 to 2"},
      {"analysis.0.alpha=1", "--set: analysis.0.alpha=1: \"0\", should be an item from 1 to 2"},
      {"analysis.count.alpha=1",
       "--set: analysis.count.alpha=1: \"count\", should be an item from 1 to 2"},
      {"analysis.99999999999999999999=1",
       "--set: analysis.99999999999999999999=1: \"99999999999999999999\", should be an item from 1 "
       "to 2"},
  };
  for (const auto& c : cases) EXPECT_EQ(refusal_of_set(c.text), c.refusal);
}
