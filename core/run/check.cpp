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

// Relations wait for run time when the script adds a key of the part's own.
void check_section(const Section& section, const std::string& script,
                   std::vector<std::string>& problems) {
  const auto adds = [&](const FieldDoc& field) {
    return !section.value.find(field.name) && sets(script, field.name);
  };
  const std::vector<FieldDoc> kernels =
      section.kind.empty() ? std::vector<FieldDoc>() : kernel_schema(section.kind).fields;
  const auto& fields = section.schema.fields;
  const bool waits = section.value.is<Value::Table>() &&
                     std::any_of(fields.begin(), fields.end(), [&](const FieldDoc& field) {
                       return adds(field) && !has_field(kernels, field.name);
                     });
  section.schema.parse(section.where, section.value, waits ? Demand::part : Demand::whole,
                       problems);
  if (!waits) return;
  for (const FieldDoc& field : fields)
    if (field.required && !section.value.find(field.name) && !adds(field))
      schema_detail::add_problem(problems, section.value.origin, section.where + "." + field.name,
                                 "required");
}

// The parameters of the one [sae], which baselines take their k and d_sae from; empty when they are
// known at run time only.
Value lent_by_sae(const std::vector<Section>& sections) {
  for (const Section& section : sections) {
    if (section.where != "sae" || section.value.find("from")) continue;
    std::vector<std::string> problems;
    AnyParams params = section.schema.parse(section.where, section.value, Demand::whole, problems);
    return problems.empty() ? params.resolved : Value();
  }
  return {};
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
  std::vector<Section> sections = sections_of(manifest, registry, problems);
  const Value lent = lent_by_sae(sections);
  for (Section& section : sections) {
    const bool is_baseline = section.kind == "baseline";
    if (is_baseline) section.value = filled_baseline(section.value, section.schema.fields, lent);
    if (is_baseline && lent.empty())
      section.schema.parse(section.where, section.value, Demand::part, problems);
    else
      check_section(section, script, problems);
  }
  if (!problems.empty()) throw UserError(problems);
}

}  // namespace facet
