// Bodies of the manifest's validation.
#include "run/check.h"

#include <algorithm>
#include <regex>

#include "base/files.h"
#include "run/manifest.h"

namespace facet {
namespace {

bool sets(const std::string& script, const std::string& key) {
  return std::regex_search(script, std::regex("\\b" + key + "\\s*="));
}

// The required keys that neither the manifest nor the script has.
bool script_may_add(const Section& section, const std::string& script) {
  for (const FieldDoc& field : section.schema.fields)
    if (!section.value.find(field.name) && sets(script, field.name)) return true;
  return false;
}

}  // namespace

void check_manifest(const Value& manifest, const Registry& registry) {
  std::vector<std::string> problems;
  Value head{Value::Table()};
  head.origin = manifest.origin;
  std::vector<std::string> known = manifest_sections();
  for (const FieldDoc& field : manifest_schema().docs()) known.push_back(field.name);
  for (const auto& [key, v] : *manifest.as<Value::Table>()) {
    const auto& sections = manifest_sections();
    if (std::find(sections.begin(), sections.end(), key) != sections.end()) continue;
    if (std::find(known.begin(), known.end(), key) == known.end())
      problems.push_back(v.origin.text() + ": " + key + ": unknown " + (v.is<Value::Table>() ? "section" : "key") + did_you_mean(key, known));
    else
      head.set(key, v);
  }
  manifest_schema().parse_into("manifest", head, Demand::whole, problems);
  std::string script;
  if (!head.find("script")) {
    problems.push_back(manifest.origin.text() + ": script: required, the Lua script that the manifest is for");
  } else if (std::string path = head.at("script").is<std::string>() ? head.text("script") : ""; !path.empty()) {
    if (schema_detail::resolve_path(head.at("script"), path).empty()) script = read_file(path);
  }
  for (const Section& section : sections_of(manifest, registry, problems))
    section.schema.parse(section.where, section.value, script_may_add(section, script) ? Demand::part : Demand::whole, problems);
  if (!problems.empty()) throw UserError(problems);
}

}  // namespace facet
