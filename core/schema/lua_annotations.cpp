// Body of the LuaCATS classes.
#include "schema/lua_annotations.h"

namespace facet {
namespace {

std::string lua_type(const std::string& type, const Value* words) {
  if (type.starts_with(kListOf)) return "(" + lua_type(type.substr(kListOf.size()), words) + ")[]";
  if (type == "bool") return "boolean";
  if (!words) return type;
  std::string out;
  for (const Value& word : *words->as<Value::Array>())
    out += (out.empty() ? "" : "|") + emit_json(word);
  return out;
}

std::string annotation_of(const FieldDoc& field) {
  std::string out = field.help;
  if (!field.unit.empty()) out += " Unit: " + field.unit + ".";
  if (!field.limits.empty()) out += " Must be " + field.limits + ".";
  if (field.required)
    out += " Required.";
  else if (!field.default_text.empty())
    out += " Default: " + field.default_text + ".";
  return out;
}

}  // namespace

std::string lua_class(const std::string& class_name, const std::string& about,
                      const std::vector<FieldDoc>& fields, const std::string& more) {
  std::string out = "---" + about + "\n---@class " + class_name + "\n" + more, nested;
  const std::string name = class_name.substr(0, class_name.find(':'));  // its parent stands behind
  for (const FieldDoc& field : fields) {
    const std::string own = name + "." + field.name;
    const bool is_table = !field.fields.empty();
    out += "---@field " + field.name + "? " +
           (is_table ? own : lua_type(field.type, field.keywords.find("enum"))) + " " +
           annotation_of(field) + "\n";
    if (is_table) nested += lua_class(own, field.help, field.fields);
  }
  return out + "\n" + nested;
}

}  // namespace facet
