// Parameters to try a part with, chosen from what its schema says.
#include <algorithm>

#include "plugin/conformance_trial.h"

namespace facet {

namespace {

// "one of "a", "b"": the quoted words.
std::vector<Value> quoted_words(const std::string& limits) {
  std::vector<Value> words;
  for (size_t open = limits.find('"'); open != std::string::npos;) {
    const size_t close = limits.find('"', open + 1);
    if (close == std::string::npos) break;
    words.emplace_back(limits.substr(open + 1, close - open - 1));
    open = limits.find('"', close + 1);
  }
  return words;
}

std::vector<Value> candidates(const FieldDoc& field) {
  const std::string& type = field.type;
  std::vector<Value> values;
  if (type.ends_with("integer")) values = {4, 1, 2, 8, 16, 32, 0, 64, 128, 1000};
  if (type.ends_with("number")) values = {0.5, 1.0, 0.1, 2.0, 0.0, 0.01, 10.0, 100.0};
  if (type.ends_with("string") || type == "any") {
    values = quoted_words(field.limits);
    values.emplace_back("sample");
  }
  if (type == "bool") values = {false, true};
  if (type == "table") values = {Value::Table()};
  if (!type.starts_with(kListOf)) return values;
  for (Value& value : values) value = Value::Array{value};
  return values;
}

// Values that suit the rows a part is tried on, whatever the default.
std::optional<int64_t> preferred(const FieldDoc& field) {
  if (field.type != "integer") return std::nullopt;
  if (field.name == "d_sae") return 32;
  if (field.name == "k") return 4;
  return std::nullopt;
}

bool suits(const Part& part, const FieldDoc& field, const Value& value) {
  Value table;
  table.set(field.name, value);
  std::vector<std::string> problems;
  part.schema.parse(part.kind, table, Demand::part, problems);
  const std::string here = part.kind + "." + field.name;
  return std::none_of(problems.begin(), problems.end(), [&](const std::string& problem) {
    return problem.find(here) != std::string::npos;
  });
}

enum class Preferences { kept = 1, dropped };

Value sample_table(const Part& part, Preferences preferences) {
  Value table{Value::Table()};
  for (const FieldDoc& field : part.schema.fields) {
    std::vector<Value> values = field.required ? candidates(field) : std::vector<Value>();
    const std::optional<int64_t> wish = preferred(field);
    if (wish && (field.required || preferences == Preferences::kept))
      values.insert(values.begin(), *wish);
    const auto chosen = std::find_if(values.begin(), values.end(),
                                     [&](const Value& v) { return suits(part, field, v); });
    if (chosen != values.end()) table.set(field.name, *chosen);
  }
  return table;
}

}  // namespace

Sample sample_params(const Part& part) {
  for (const FieldDoc& field : part.schema.fields)
    if (field.required && field.input_path)
      return {std::nullopt, skips("not checked: needs " + field.name + ", a file or folder")};
  std::string why;
  for (const Preferences preferences : {Preferences::kept, Preferences::dropped}) {
    std::vector<std::string> problems;
    AnyParams params =
        part.schema.parse(part.kind, sample_table(part, preferences), Demand::whole, problems);
    if (problems.empty()) return {std::move(params), {}};
    why.clear();
    for (const std::string& problem : problems) why += (why.empty() ? "" : "; ") + problem;
  }
  return {std::nullopt, fails("no parameters to try it with: " + why)};
}

}  // namespace facet
