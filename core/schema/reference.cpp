// Bodies of what a schema says of itself.
#include "schema/reference.h"

#include <algorithm>

namespace facet {
namespace {

std::string type_of(const FieldDoc& field) {
  std::string out = field.type;
  if (!field.unit.empty()) out += ", " + field.unit;
  if (field.input_path) out += ", path";
  return out;
}

std::string default_of(const FieldDoc& field) {
  if (field.required) return "required";
  return field.default_text.empty() ? "none" : field.default_text;
}

std::string sentence_of(const FieldDoc& field) {
  std::string out = field.help;
  if (!field.limits.empty()) out += " Must be " + field.limits + ".";
  if (field.outside_identity)
    out += " Outside the run's identity" +
           (field.inside_with.empty() ? "." : " unless `" + field.inside_with + "` is set.");
  return out;
}

// Nested tables stand as "split.eval".
void flatten(const std::vector<FieldDoc>& fields, const std::string& prefix,
             std::vector<FieldDoc>& out) {
  for (FieldDoc field : fields) {
    field.name = prefix + field.name;
    out.push_back(field);
    flatten(field.fields, field.name + ".", out);
  }
}

std::string escaped(std::string text) {
  for (size_t at = 0; (at = text.find('|', at)) != std::string::npos; at += 2)
    text.insert(at, "\\");
  return text;
}

}  // namespace

std::string help_text(const std::vector<FieldDoc>& fields) {
  std::vector<FieldDoc> flat;
  flatten(fields, "", flat);
  size_t width = 0;
  for (const FieldDoc& field : flat) width = std::max(width, field.name.size());
  std::string out;
  for (const FieldDoc& field : flat)
    out += "  " + field.name + std::string(width - field.name.size() + 2, ' ') +
           sentence_of(field) + "\n" + std::string(width + 4, ' ') + "(" + type_of(field) + "; " +
           (field.required ? "" : "default ") + default_of(field) + ")\n";
  return out;
}

std::string reference_table(const std::vector<FieldDoc>& fields) {
  std::vector<FieldDoc> flat;
  flatten(fields, "", flat);
  if (flat.empty()) return "It has no parameters.\n";
  std::string out = "| key | type | default | meaning |\n| --- | --- | --- | --- |\n";
  for (const FieldDoc& field : flat) {
    const std::string standard = default_of(field);
    const bool word = field.required || standard == "none";
    out += "| `" + field.name + "` | " + type_of(field) + " | " +
           (word ? standard : "`" + escaped(standard) + "`") + " | " + escaped(sentence_of(field)) +
           " |\n";
  }
  return out;
}

}  // namespace facet
