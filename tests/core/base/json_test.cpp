// JSON in and out: canonical text, Python's bare numbers, and the place of an error.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "base/json_line.h"
#include "expect_refusal.h"
#include "facet/value.h"

using namespace facet;

namespace {

std::string refusal_of_text(const std::string& text) {
  return refusal_of([&] { parse_json(text, "x.json"); });
}

std::string nested(int depth) { return std::string(depth, '[') + std::string(depth, ']'); }

}  // namespace

TEST(Json, comes_back_as_it_was_with_sorted_keys) {
  const char* text = R"({"a":[1,-2.5,"t\n\"\\é",null,true],"b":{},"c":[]})";
  EXPECT_EQ(emit_json(parse_json(text, "x.json")), text);
  EXPECT_EQ(emit_json(parse_json(" {\"b\" : 1 ,\n\"a\":2}\n", "x.json")), R"({"a":2,"b":1})");
  EXPECT_EQ(emit_json_pretty(parse_json(R"({"b":[1,2],"a":{"c":[]}})", "x.json")),
            "{\n  \"a\": {\n    \"c\": []\n  },\n  \"b\": [\n    1,\n    2\n  ]\n}\n");
}

TEST(Json, writes_the_shortest_float_that_reads_back_to_the_same_bits) {
  const struct {
    double value;
    const char* text;
  } cases[] = {{0.1, "0.1"},
               {1.0, "1.0"},
               {-0.0, "-0.0"},
               {1e22, "1e+22"},
               {1.0 / 3, "0.3333333333333333"},
               {5e-324, "5e-324"},
               {1.7976931348623157e308, "1.7976931348623157e+308"}};
  for (const auto& c : cases) {
    EXPECT_EQ(emit_json(c.value), c.text);
    const Value back = parse_json(c.text, "x.json");
    ASSERT_TRUE(back.is<double>()) << c.text;
    EXPECT_EQ(*back.as<double>(), c.value);
    EXPECT_EQ(std::signbit(*back.as<double>()), std::signbit(c.value));
  }
}

TEST(Json, keeps_integers_of_64_bits_and_makes_larger_ones_numbers) {
  EXPECT_EQ(parse_json("9223372036854775807", "x"), Value(INT64_MAX));
  EXPECT_EQ(parse_json("-9223372036854775808", "x"), Value(INT64_MIN));
  EXPECT_EQ(parse_json("9223372036854775808", "x"), Value(9223372036854775808.0));
  EXPECT_EQ(parse_json("123456789012345678901234567890", "x"),
            Value(123456789012345678901234567890.0));
  EXPECT_EQ(emit_json(INT64_MIN), "-9223372036854775808");
}

TEST(Json, reads_the_bare_numbers_that_python_writes) {
  const Value v = parse_json(R"([Infinity, -Infinity, NaN, "Infinity", "NaN"])", "x.json");
  const auto& items = *v.as<Value::Array>();
  const double infinity = std::numeric_limits<double>::infinity();
  EXPECT_EQ(items[0], Value(infinity));
  EXPECT_EQ(items[1], Value(-infinity));
  ASSERT_TRUE(items[2].is<double>());
  EXPECT_TRUE(std::isnan(*items[2].as<double>()));
  EXPECT_EQ(items[3], Value("Infinity"));
  EXPECT_EQ(items[4], Value("NaN"));
  EXPECT_EQ(emit_json(v), R"([null,null,null,"Infinity","NaN"])");
}

TEST(Json, does_not_lose_its_place_at_escaped_quotes) {
  const Value v =
      parse_json(R"({"a": "C:\\", "b": NaN, "c": "\"NaN", "d": "\\\"Infinity"})", "x.json");
  EXPECT_EQ(v.text("a"), "C:\\");
  EXPECT_TRUE(std::isnan(v.number("b")));
  EXPECT_EQ(v.text("c"), "\"NaN");
  EXPECT_EQ(v.text("d"), "\\\"Infinity");
}

TEST(Json, refuses_what_is_no_json_with_line_and_column) {
  const struct {
    std::string text;
    const char* refusal;
  } cases[] = {
      {"", "x.json:1:1: not valid JSON"},
      {"{\"a\": 1,\n \"b\": tru}", "x.json:2:10: not valid JSON"},
      {"{\"a\": 1} x", "x.json:1:10: not valid JSON"},
      {"[1,\n2,\n]", "x.json:3:1: not valid JSON"},
      {"[Infinity, NaN,\n NaN, Infinity, -Infinity, x]", "x.json:2:28: not valid JSON"},
      {"[1e999]", "x.json:1:6: not valid JSON"},
      {"[\"\xff\"]", "x.json:1:3: not valid JSON"},
      {"[-", "x.json:1:3: not valid JSON"},
  };
  for (const auto& c : cases) EXPECT_EQ(refusal_of_text(c.text), c.refusal) << c.text;
}

TEST(Json, refuses_a_key_that_stands_twice) {
  EXPECT_EQ(refusal_of_text(R"({"k": 1, "m": {"k": 2}, "k": 3})"),
            "x.json: key \"k\" stands twice in one object");
  EXPECT_EQ(refusal_of_text(R"([{"k": 1}, {"k": 2}])"), "(no refusal)");
}

TEST(Json, of_one_line_is_refused_with_the_line_of_its_file) {
  const auto refusal = [](const std::string& text) {
    return refusal_of([&] { parse_json_line(text, "x.jsonl", 12); });
  };
  EXPECT_EQ(parse_json_line("{\"a\": 1}", "x.jsonl", 12).integer("a"), 1);
  EXPECT_EQ(refusal("{\"a\": tru}"), "x.jsonl:12:10: not valid JSON");
  EXPECT_EQ(refusal("{\"k\": 1, \"k\": 2}"), "x.jsonl:12: key \"k\" stands twice in one object");
  EXPECT_EQ(refusal(nested(501)), "x.jsonl:12: nested deeper than 500 levels");
}

TEST(Json, nests_500_levels_and_no_deeper) {
  EXPECT_EQ(emit_json(parse_json(nested(500), "x.json")), nested(500));
  EXPECT_EQ(refusal_of_text(nested(501)), "x.json: nested deeper than 500 levels");
  EXPECT_EQ(refusal_of_text(std::string(1000000, '[')), "x.json: nested deeper than 500 levels");
}

TEST(Json, writes_text_that_is_no_utf8_with_the_replacement_character) {
  EXPECT_EQ(emit_json(std::string("a\xff")), "\"a\xEF\xBF\xBD\"");
}
