// Bodies of the manifest's validation.
#include "run/check.h"

#include <algorithm>
#include <regex>

#include "base/files.h"
#include "run/manifest.h"
#include "run/sections.h"

namespace facet {
namespace {

bool sets(const std::string& script, const std::string& key) {
  return std::regex_search(script, std::regex("\\b" + key + "\\s*=(?!=)"));
}

bool has(const std::vector<FieldDoc>& fields, const std::string& name) {
  return std::any_of(fields.begin(), fields.end(),
                     [&](const FieldDoc& field) { return field.name == name; });
}

// Relations wait for run time when the script adds a key of the part's own.
void check_section(const Section& section, const std::string& script, bool partial,
                   std::vector<std::string>& problems) {
  const auto adds = [&](const FieldDoc& field) {
    return !section.value.find(field.name) && sets(script, field.name);
  };
  const std::vector<FieldDoc> kernels =
      section.kind.empty() ? std::vector<FieldDoc>() : kernel_schema(section.kind).fields;
  const auto& fields = section.schema.fields;
  const bool waits = section.value.is<Value::Table>() &&
                     std::any_of(fields.begin(), fields.end(), [&](const FieldDoc& field) {
                       return adds(field) && !has(kernels, field.name);
                     });
  section.schema.parse(section.where, section.value, waits ? Demand::part : Demand::whole,
                       problems);
  if (!waits) return;
  for (const FieldDoc& field : fields)
    if (field.required && !section.value.find(field.name) && !adds(field))
      schema_detail::add_problem(problems, section.value.origin, section.where + "." + field.name,
                                 "required");
}

// The keys outside the sections; unknown ones are problems.
Value head_of(const Value& manifest, std::vector<std::string>& problems) {
  Value head{Value::Table()};
  head.origin = manifest.origin;
  std::vector<std::string> known = manifest_sections();
  for (const FieldDoc& field : manifest_schema().docs()) known.push_back(field.name);
  for (const auto& [key, v] : *manifest.as<Value::Table>()) {
    const auto& sections = manifest_sections();
    if (std::find(sections.begin(), sections.end(), key) != sections.end()) continue;
    if (std::find(known.begin(), known.end(), key) == known.end())
      problems.push_back(v.origin.text() + ": " + key + ": unknown " +
                         (v.is<Value::Table>() ? "section" : "key") + did_you_mean(key, known));
    else
      head.set(key, v);
  }
  return head;
}

}  // namespace

void check_keys(const Value& manifest) {
  std::vector<std::string> problems;
  head_of(manifest, problems);
  if (!problems.empty()) throw UserError(problems);
}

void check_manifest(const Value& manifest, const Registry& registry) {
  std::vector<std::string> problems;
  const Value head = head_of(manifest, problems);
  manifest_schema().parse_into("manifest", head, Demand::whole, problems);
  std::string script;
  const Value* named = head.find("script");
  if (!named || *named == Value("")) {
    problems.push_back((named ? named : &manifest)->origin.text() +
                       ": script: required, the Lua script that the manifest is for");
  } else if (std::string path = named->is<std::string>() ? head.text("script") : "";
             !path.empty()) {
    if (schema_detail::resolve_path(*named, path).empty()) script = read_file(path);
  }
  const Value* sae = manifest.find("sae");
  for (Section& section : sections_of(manifest, registry, problems)) {
    // Without an [sae] of its own to take them from, what a baseline lacks is known at run time.
    const bool complete = sae && sae->is<Value::Table>() && !sae->find("from");
    if (section.kind == "baseline" && complete)
      section.value = filled_baseline(section.value, section.schema.fields, *sae);
    check_section(section, script, section.kind == "baseline" && !complete, problems);
  }
  if (!problems.empty()) throw UserError(problems);
}

}  // namespace facet
