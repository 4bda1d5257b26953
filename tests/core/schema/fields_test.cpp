// Every type of field: what it takes, and the whole text of what it refuses.
#include <gtest/gtest.h>

#include <limits>

#include "core/schema/placed.h"
#include "expect_refusal.h"
#include "facet/schema.h"

using namespace facet;

namespace {

struct All {
  bool flag = false;
  int64_t integer = 0;
  double number = 0;
  std::string text;
  std::vector<std::string> texts;
  std::vector<int64_t> integers;
  std::vector<double> numbers;
  Value any;
  std::optional<int64_t> maybe;
};

Schema<All> schema() {
  return Schema<All>()
      .field("flag", &All::flag, "A bool.")
      .field("integer", &All::integer, "An integer.")
      .field("number", &All::number, "A number.")
      .field("text", &All::text, "A text.")
      .field("texts", &All::texts, "Texts.")
      .field("integers", &All::integers, "Integers.")
      .field("numbers", &All::numbers, "Numbers.")
      .field("any", &All::any, "Anything.")
      .field("maybe", &All::maybe, "An integer or nothing.");
}

All parse(const std::string& key, Value value) {
  return schema().parse("part", Value(Value::Table{{key, placed(std::move(value), 2, 1)}}));
}

struct Limited {
  int64_t least = 1;
  double most = 0.5;
  double above = 1;
  double share = 0.5;
  std::string word = "a";
  std::vector<double> list;
  std::vector<std::string> words;
  int64_t two = 1;
};

Schema<Limited> limited() {
  return Schema<Limited>()
      .field("least", &Limited::least, "", at_least(1))
      .field("most", &Limited::most, "", at_most(0.5))
      .field("above", &Limited::above, "", above(0))
      .field("share", &Limited::share, "", between(0, 1))
      .field("word", &Limited::word, "", one_of({"a", "b"}))
      .field("list", &Limited::list, "", at_least(1))
      .field("words", &Limited::words, "", one_of({"a", "b"}))
      .field("two", &Limited::two, "", at_least(1), at_most(3));
}

std::string refusal_of_limit(const std::string& key, const Value& value) {
  return refusal_of([&] {
    limited().parse("part", Value(Value::Table{{key, placed(value, 2, 1)}}));
  });
}

}  // namespace

TEST(Fields, take_values_of_their_type) {
  EXPECT_TRUE(parse("flag", true).flag);
  EXPECT_EQ(parse("integer", 32).integer, 32);
  EXPECT_EQ(parse("number", 0.5).number, 0.5);
  EXPECT_EQ(parse("number", 3).number, 3.0);
  EXPECT_EQ(parse("text", "a").text, "a");
  EXPECT_EQ(parse("texts", Value::Array{"a", "b"}).texts, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(parse("integers", Value::Array{1, 2}).integers, (std::vector<int64_t>{1, 2}));
  EXPECT_EQ(parse("numbers", Value::Array{1, 2.5}).numbers, (std::vector<double>{1, 2.5}));
  EXPECT_EQ(parse("any", Value::Array{1, "a"}).any, Value(Value::Array{1, "a"}));
  EXPECT_EQ(parse("maybe", 3).maybe, 3);
  EXPECT_EQ(parse("flag", true).maybe, std::nullopt);
}

TEST(Fields, take_a_float_with_an_exact_integer_value_for_an_integer) {
  EXPECT_EQ(parse("integer", 50e6).integer, 50000000);
  EXPECT_EQ(parse("integer", -2.0).integer, -2);
  EXPECT_EQ(parse("integers", Value::Array{1e3}).integers, std::vector<int64_t>{1000});
  EXPECT_EQ(parse("maybe", 2.0).maybe, 2);
}

TEST(Fields, take_an_empty_table_for_an_empty_list) {
  EXPECT_TRUE(parse("texts", Value::Table()).texts.empty());
  EXPECT_TRUE(parse("numbers", Value::Table()).numbers.empty());
}

TEST(Fields, refuse_values_of_another_type) {
  const double infinity = std::numeric_limits<double>::infinity();
  const struct {
    const char* key;
    Value value;
    const char* refusal;
  } cases[] = {
      {"flag", 1, "flag: expected bool, got integer 1"},
      {"integer", "32", "integer: expected integer, got string \"32\""},
      {"integer", 2.5, "integer: expected integer, got number 2.5"},
      {"integer", 1e17, "integer: expected integer, got number 1e+17"},
      {"integer", infinity, "integer: expected integer, got number inf"},
      {"integer", true, "integer: expected integer, got bool true"},
      {"number", "fast", "number: expected number, got string \"fast\""},
      {"number", -infinity, "number: expected finite number, got number -inf"},
      {"number", std::numeric_limits<double>::quiet_NaN(),
       "number: expected finite number, got number nan"},
      {"text", 3, "text: expected string, got integer 3"},
      {"text", Value::Table{{"a", 1}}, "text: expected string, got table of 1 key"},
      {"texts", "a", "texts: expected list of string, got string \"a\""},
      {"texts", Value::Table{{"a", 1}}, "texts: expected list of string, got table of 1 key"},
      {"texts", Value::Array{"a", 2}, "texts: item 2: expected string, got integer 2"},
      {"integers", Value::Array{1.5}, "integers: item 1: expected integer, got number 1.5"},
      {"numbers", Value::Array{1, 2, "x"}, "numbers: item 3: expected number, got string \"x\""},
      {"maybe", "x", "maybe: expected integer, got string \"x\""},
  };
  for (const auto& c : cases)
    EXPECT_EQ(refusal_of([&] { parse(c.key, c.value); }),
              std::string("topk.toml:2:1: part.") + c.refusal);
}

TEST(Limits, let_their_bounds_in_but_for_above) {
  for (const auto& [key, value] :
       std::vector<std::pair<std::string, Value>>{{"least", 1},
                                                  {"most", 0.5},
                                                  {"share", 0},
                                                  {"share", 1.0},
                                                  {"word", "b"},
                                                  {"list", Value::Array{1, 2.5}},
                                                  {"list", Value::Table()},
                                                  {"list", Value::Array()},
                                                  {"words", Value::Array{"a", "b", "a"}},
                                                  {"words", Value::Table()},
                                                  {"two", 3}})
    EXPECT_EQ(refusal_of_limit(key, value), "(no refusal)") << key;
}

TEST(Limits, refuse_what_lies_outside) {
  const struct {
    const char* key;
    Value value;
    const char* refusal;
  } cases[] = {
      {"least", 0, "least: integer 0, must be at least 1"},
      {"most", 0.75, "most: number 0.75, must be at most 0.5"},
      {"above", 0, "above: integer 0, must be above 0"},
      {"share", 1.5, "share: number 1.5, must be between 0 and 1"},
      {"word", "c", "word: string \"c\", must be one of \"a\", \"b\""},
      {"list", Value::Array{1, 0.5}, "list: list of 2, must be at least 1"},
      {"words", Value::Array{"a", "c"}, "words: list of 2, must be one of \"a\", \"b\""},
      {"two", 4, "two: integer 4, must be at most 3"},
  };
  for (const auto& c : cases)
    EXPECT_EQ(refusal_of_limit(c.key, c.value), std::string("topk.toml:2:1: part.") + c.refusal);
}

TEST(Limits, say_what_exceeds_what) {
  EXPECT_EQ(exceeds(70000, "d_sae", 65536), "70000 exceeds d_sae (65536)");
}
