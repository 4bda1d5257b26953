// Body of the JSON Schema.
#include "schema/json_schema.h"

namespace facet {
namespace {

// "" for a value of any type.
std::string json_type(const std::string& type) {
  if (type == "bool") return "boolean";
  return type == "any" ? "" : type;
}

// `schema` and the limits' keywords: of a list, each item's.
Value typed(const std::string& type, const Value& keywords) {
  Value out{Value::Table()};
  if (type.starts_with(kListOf)) {
    out.set("type", "array");
    out.set("items", typed(type.substr(kListOf.size()), keywords));
    return out;
  }
  if (const std::string json = json_type(type); !json.empty()) out.set("type", json);
  if (const auto* table = keywords.as<Value::Table>())
    for (const auto& [key, v] : *table) out.set(key, v);
  return out;
}

std::string described(const FieldDoc& field) {
  std::string out = field.help;
  if (!field.unit.empty()) out += " Unit: " + field.unit + ".";
  if (field.required) out += " Required.";
  return out;
}

// A TOML literal that is no JSON (a table) is left out.
Value json_default(const FieldDoc& field) {
  try {
    return parse_json(field.default_text, field.name);
  } catch (const UserError&) {
    return {};
  }
}

}  // namespace

Value json_schema(const std::vector<FieldDoc>& fields) {
  Value properties{Value::Table()};
  for (const FieldDoc& field : fields) {
    Value property =
        field.fields.empty() ? typed(field.type, field.keywords) : json_schema(field.fields);
    property.set("description", described(field));
    if (Value standard = json_default(field); !standard.empty())
      property.set("default", std::move(standard));
    properties.set(field.name, std::move(property));
  }
  return Value(Value::Table{
      {"type", "object"}, {"properties", properties}, {"additionalProperties", false}});
}

}  // namespace facet
