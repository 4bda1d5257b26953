// Tables, typed members, and what messages say of a value.
#include "facet/value.h"

#include <gtest/gtest.h>

#include <limits>

#include "expect_refusal.h"

using namespace facet;

TEST(Value, is_described_with_its_type) {
  const double infinity = std::numeric_limits<double>::infinity();
  const struct {
    Value value;
    const char* text;
  } cases[] = {
      {{}, "nothing"},
      {true, "bool true"},
      {32, "integer 32"},
      {0.5, "number 0.5"},
      {infinity, "number inf"},
      {-infinity, "number -inf"},
      {std::numeric_limits<double>::quiet_NaN(), "number nan"},
      {"32", "string \"32\""},
      {Value::Array{1, 2, 3}, "list of 3"},
      {Value::Table{}, "table of 0 keys"},
      {Value::Table{{"k", 1}}, "table of 1 key"},
  };
  for (const auto& c : cases) EXPECT_EQ(c.value.describe(), c.text);
}

TEST(Value, finds_members_of_tables_only) {
  const Value table(Value::Table{{"k", 32}});
  EXPECT_EQ(*table.find("k"), Value(32));
  EXPECT_EQ(table.find("m"), nullptr);
  EXPECT_EQ(Value(32).find("k"), nullptr);
  EXPECT_EQ(Value().find("k"), nullptr);
}

TEST(Value, gives_typed_members) {
  const Value v(Value::Table{{"text", "a"},
                             {"integer", 2},
                             {"number", 0.5},
                             {"flag", true},
                             {"array", Value::Array{1}},
                             {"table", Value::Table{{"k", 1}}}});
  EXPECT_EQ(v.text("text"), "a");
  EXPECT_EQ(v.integer("integer"), 2);
  EXPECT_EQ(v.number("number"), 0.5);
  EXPECT_EQ(v.number("integer"), 2.0);
  EXPECT_TRUE(v.flag("flag"));
  EXPECT_EQ(v.array("array").size(), 1u);
  EXPECT_EQ(v.table("table").size(), 1u);
}

TEST(Value, refuses_members_that_are_missing_or_of_another_type) {
  Value v(Value::Table{{"step", 2}, {"text", "a"}});
  v.origin = {"cursor.json", 0, 0, ""};
  v.set("placed", 1.5).origin = {"x.toml", 3, 1, ""};
  const struct {
    std::string refusal;
    const char* text;
  } cases[] = {
      {refusal_of([&] { v.at("stpe"); }), "cursor.json: stpe: missing (did you mean \"step\"?)"},
      {refusal_of([&] { v.at("quite_different"); }), "cursor.json: quite_different: missing"},
      {refusal_of([&] { Value().at("k"); }), "k: missing"},
      {refusal_of([&] { v.text("step"); }), "step: expected string, got integer 2"},
      {refusal_of([&] { v.integer("placed"); }),
       "x.toml:3:1: placed: expected integer, got number 1.5"},
      {refusal_of([&] { v.number("text"); }), "text: expected number, got string \"a\""},
      {refusal_of([&] { v.flag("step"); }), "step: expected bool, got integer 2"},
      {refusal_of([&] { v.array("step"); }), "step: expected list, got integer 2"},
      {refusal_of([&] { v.table("step"); }), "step: expected table, got integer 2"},
  };
  for (const auto& c : cases) EXPECT_EQ(c.refusal, c.text);
}

TEST(Value, becomes_a_table_when_a_member_is_set) {
  Value v;
  v.set("k", 1);
  EXPECT_EQ(v, Value(Value::Table{{"k", 1}}));
  Value number(3);
  EXPECT_THROW(number.set("k", 1), Bug);
}

TEST(Value, equals_by_type_and_content_and_not_by_origin) {
  Value placed(3);
  placed.origin = {"x.toml", 1, 1, ""};
  EXPECT_EQ(placed, Value(3));
  EXPECT_FALSE(Value(3) == Value(3.0));
  EXPECT_FALSE(Value() == Value(Value::Table()));
}
