// Values as TOML text. That load_manifest reads it back is tested with the manifest.
#include "schema/toml_text.h"

#include <gtest/gtest.h>

#include <limits>

#include "core/schema/placed.h"

using namespace facet;

TEST(TomlLiteral, is_one_line) {
  const double infinity = std::numeric_limits<double>::infinity();
  const struct {
    Value value;
    const char* text;
  } cases[] = {
      {32, "32"},
      {0.5, "0.5"},
      {3.0, "3.0"},
      {1e22, "1e+22"},
      {infinity, "inf"},
      {-infinity, "-inf"},
      {std::numeric_limits<double>::quiet_NaN(), "nan"},
      {true, "true"},
      {"a \"b\"\n\\", R"("a \"b\"\n\\")"},
      {"\x7f", "\"\\u007F\""},  // TOML wants it escaped, JSON does not
      {Value::Array{1, Value::Array{}, "x"}, "[1, [], \"x\"]"},
      {Value::Table{}, "{}"},
      {Value::Table{{"a b", 1}, {"c", Value::Array{Value::Table{{"d", 2}}}}},
       "{ \"a b\" = 1, c = [{ d = 2 }] }"},
  };
  for (const auto& c : cases) EXPECT_EQ(toml_literal(c.value), c.text);
}

TEST(EmitToml, writes_plain_keys_first_then_sections_all_sorted) {
  const Value manifest(Value::Table{
      {"seed", 7},
      {"name", "quick"},
      {"nothing", Value()},
      {"sae", Value::Table{{"type", "topk"}, {"k", 16}}},
      {"data", Value::Table{{"split", Value::Table{{"eval", 0.05}}}, {"path", "x"}}},
      {"analysis",
       Value::Array{Value::Table{{"type", "metrics"}},
                    Value::Table{{"type", "latents"}, {"sub", Value::Table{{"a", 1}}}}}}});
  EXPECT_EQ(emit_toml(manifest),
            "name = \"quick\"\nseed = 7\n"
            "\n[[analysis]]\ntype = \"metrics\"\n"
            "\n[[analysis]]\ntype = \"latents\"\n"
            "\n[analysis.sub]\na = 1\n"
            "\n[data]\npath = \"x\"\n"
            "\n[data.split]\neval = 0.05\n"
            "\n[sae]\nk = 16\ntype = \"topk\"\n");
}

TEST(EmitToml, notes_where_each_value_came_from) {
  const Value table(Value::Table{{"k", placed(16, 23, 5)}, {"seed", 7}});
  const auto note = [](const Value& v) { return v.origin.text(); };
  EXPECT_EQ(emit_toml(table, note), "k = 16  # topk.toml:23:5\nseed = 7\n");
}
