// Body of the manifest's JSON Schema.
#include "run/manifest_json_schema.h"

#include "run/manifest.h"
#include "run/sections.h"
#include "schema/json_schema.h"

namespace facet {
namespace {

Value one_word(const std::string& word) { return Value(Value::Table{{"const", word}}); }

// True of a table whose `type` is `name`.
Value has_type(const std::string& name) {
  return Value(Value::Table{{"required", Value::Array{"type"}},
                            {"properties", Value(Value::Table{{"type", one_word(name)}})}});
}

// A table whose other keys belong to the part that `type` names. `kernel` are the keys of every
// part of the kind; without `type`, those only.
Value chosen_by_type(const Registry& registry, const std::string& kind,
                     const std::vector<FieldDoc>& kernel, bool type_required) {
  Value::Array names, choices;
  for (const Part* part : registry.parts()) {
    if (part->kind != kind) continue;
    names.emplace_back(part->name);
    std::vector<FieldDoc> fields = kernel;
    fields.insert(fields.end(), part->schema.fields.begin(), part->schema.fields.end());
    Value then = json_schema(fields);
    then.set("description", part->help);
    choices.emplace_back(Value::Table{{"if", has_type(part->name)}, {"then", then}});
  }
  Value type(Value::Table{{"enum", names}});
  type.set("description", "Which " + kind + ".");
  Value out(Value::Table{
      {"type", "object"}, {"properties", Value(Value::Table{{"type", type}})}, {"allOf", choices}});
  if (type_required) {
    out.set("required", Value::Array{"type"});
    return out;
  }
  out.set("if", Value(Value::Table{{"required", Value::Array{"type"}}}));
  out.set("else", json_schema(kernel));
  return out;
}

// A normaliser by its name, or as a table with `type`.
Value normaliser_schema(const Registry& registry, const std::string& help) {
  FieldDoc type;
  type.name = "type";
  type.type = "string";
  type.help = "Which normaliser.";
  Value out = chosen_by_type(registry, "normaliser", {type}, true);
  Value names = out.at("properties").at("type");
  return Value(Value::Table{{"description", help},
                            {"if", Value(Value::Table{{"type", "string"}})},
                            {"then", names},
                            {"else", out}});
}

Value section_of(const std::string& section, const Registry& registry) {
  const bool is_part = section != "train" && section != "activations" && section != "encode";
  if (is_part)  // an SAE that is loaded from a folder has its type there
    return chosen_by_type(registry, part_kind(section), kernel_schema(section).fields,
                          section != "sae");
  Value out = json_schema(section_schema(section, Value(), registry).fields);
  if (section != "activations") return out;
  Value properties = out.at("properties");
  const std::string help = properties.at("normalize").text("description");
  properties.set("normalize", normaliser_schema(registry, help));
  out.set("properties", properties);
  return out;
}

}  // namespace

Value manifest_json_schema(const Registry& registry) {
  Value out = json_schema(manifest_schema().docs());
  Value properties = out.at("properties"), definitions{Value::Table()};
  for (const std::string& section : manifest_sections()) {
    definitions.set(section, section_of(section, registry));
    const Value one(Value::Table{{"$ref", "#/definitions/" + section}});
    properties.set(section, Value(Value::Table{{"if", Value(Value::Table{{"type", "array"}})},
                                               {"then", Value(Value::Table{{"items", one}})},
                                               {"else", one}}));
  }
  out.set("properties", properties);
  out.set("definitions", definitions);
  out.set("required", Value::Array{"script"});
  out.set("$schema", "http://json-schema.org/draft-07/schema#");
  out.set("title", "Manifest of a facet run");
  return out;
}

}  // namespace facet
