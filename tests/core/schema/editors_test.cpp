// What editors are told of a schema: JSON Schema for TOML, LuaCATS classes for Lua.
#include <gtest/gtest.h>

#include "schema/json_schema.h"
#include "schema/lua_annotations.h"

using namespace facet;

namespace {

struct Split {
  double eval = 0;
};
struct Params {
  int64_t d_sae = 0;
  std::string by = "name";
  std::vector<double> range = {0.5, 1.5};
  std::optional<bool> quick;
  Value any;
  Split split;
};

std::vector<FieldDoc> fields() {
  return Schema<Params>()
      .field("d_sae", &Params::d_sae, "Number of latents.", required, at_least(1), unit("latents"))
      .field("by", &Params::by, "What.", one_of({"name", "a|b"}))
      .field("range", &Params::range, "Least and largest.", between(0, 2))
      .field("quick", &Params::quick, "A bool or nothing.")
      .field("any", &Params::any, "Anything.")
      .field("split", &Params::split, "What is held out.",
             Schema<Split>().field("eval", &Split::eval, "Share.", above(0)))
      .docs();
}

}  // namespace

TEST(JsonSchema, says_types_limits_and_defaults) {
  const Value expected = parse_json(R"({
    "type": "object",
    "additionalProperties": false,
    "properties": {
      "d_sae": {"type": "integer", "minimum": 1.0,
                "description": "Number of latents. Unit: latents. Required."},
      "by": {"type": "string", "enum": ["name", "a|b"], "default": "name", "description": "What."},
      "range": {"type": "array", "items": {"type": "number", "minimum": 0.0, "maximum": 2.0},
                "default": [0.5, 1.5], "description": "Least and largest."},
      "quick": {"type": "boolean", "description": "A bool or nothing."},
      "any": {"description": "Anything."},
      "split": {"type": "object", "additionalProperties": false,
                "properties": {"eval": {"type": "number", "exclusiveMinimum": 0.0, "default": 0.0,
                                        "description": "Share."}},
                "description": "What is held out."}
    }
  })",
                                    "expected");
  EXPECT_EQ(emit_json_pretty(json_schema(fields())), emit_json_pretty(expected));
}

TEST(LuaClass, has_a_line_for_each_field_and_a_class_for_each_table) {
  EXPECT_EQ(
      lua_class("facet.args.x", "Keys of x.", fields(), "---@field on facet.Rows The rows.\n"),
      R"(---Keys of x.
---@class facet.args.x
---@field on facet.Rows The rows.
---@field d_sae? integer Number of latents. Unit: latents. Must be at least 1. Required.
---@field by? "name"|"a|b" What. Must be one of "name", "a|b". Default: "name".
---@field range? (number)[] Least and largest. Must be between 0 and 2. Default: [0.5, 1.5].
---@field quick? boolean A bool or nothing.
---@field any? any Anything.
---@field split? facet.args.x.split What is held out.

---What is held out.
---@class facet.args.x.split
---@field eval? number Share. Must be above 0. Default: 0.0.

)");
}

TEST(LuaClass, names_the_tables_of_a_class_with_a_parent_by_its_own_name) {
  const std::string text = lua_class("facet.args.x.y: facet.args.x", "Keys of y.", fields());
  EXPECT_NE(text.find("\n---@class facet.args.x.y: facet.args.x\n"), std::string::npos) << text;
  EXPECT_NE(text.find("\n---@field split? facet.args.x.y.split "), std::string::npos) << text;
  EXPECT_NE(text.find("\n---@class facet.args.x.y.split\n"), std::string::npos) << text;
}
