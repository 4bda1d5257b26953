// Bodies of the schema's untemplated parts: reading, showing and limiting single values.
#include "facet/schema.h"

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "schema/toml_text.h"

namespace facet {
namespace {

std::string wrong(const char* expected, const Value& v) {
  return std::string("expected ") + expected + ", got " + v.describe();
}

template <class T>
std::string read_list(const Value& v, const char* expected, std::vector<T>& out) {
  if (const auto* table = v.as<Value::Table>(); table && table->empty()) return {};
  const auto* array = v.as<Value::Array>();
  if (!array) return wrong(expected, v);
  for (size_t i = 0; i < array->size(); ++i) {
    T item{};
    if (std::string problem = schema_detail::read((*array)[i], item); !problem.empty())
      return "item " + std::to_string(i + 1) + ": " + problem;
    out.push_back(std::move(item));
  }
  return {};
}

template <class T>
Value show_list(const std::vector<T>& v) {
  return Value::Array(v.begin(), v.end());
}

double as_number(const Value& v) {
  if (const int64_t* i = v.as<int64_t>()) return static_cast<double>(*i);
  const double* d = v.as<double>();
  return d ? *d : 0;
}

std::string number_text(double v) {
  return v == std::floor(v) && std::abs(v) < 1e15 ? std::to_string(static_cast<int64_t>(v))
                                                  : emit_json(v);
}

// A limit on a list is a limit on each of its items; an empty table is an empty list.
std::function<bool(const Value&)> on_each(std::function<bool(const Value&)> holds) {
  return [holds = std::move(holds)](const Value& v) {
    if (const auto* array = v.as<Value::Array>())
      return std::all_of(array->begin(), array->end(), holds);
    return v.is<Value::Table>() || holds(v);
  };
}

Limit number_limit(std::string text, std::function<bool(double)> holds, Value::Table keywords) {
  return {std::move(text), on_each([holds](const Value& v) { return holds(as_number(v)); }),
          std::move(keywords)};
}

}  // namespace

Limit at_least(double least) {
  return number_limit("at least " + number_text(least), [least](double v) { return v >= least; },
                      {{"minimum", least}});
}
Limit at_most(double most) {
  return number_limit("at most " + number_text(most), [most](double v) { return v <= most; },
                      {{"maximum", most}});
}
Limit above(double bound) {
  return number_limit("above " + number_text(bound), [bound](double v) { return v > bound; },
                      {{"exclusiveMinimum", bound}});
}
Limit between(double least, double most) {
  return number_limit("between " + number_text(least) + " and " + number_text(most),
                      [least, most](double v) { return v >= least && v <= most; },
                      {{"minimum", least}, {"maximum", most}});
}

Limit one_of(std::vector<std::string> words) {
  std::string text = "one of ";
  for (size_t i = 0; i < words.size(); ++i) text += (i > 0 ? ", \"" : "\"") + words[i] + "\"";
  return {text, on_each([words](const Value& v) {
            const std::string* s = v.as<std::string>();
            return s && std::find(words.begin(), words.end(), *s) != words.end();
          }),
          Value::Table{{"enum", Value::Array(words.begin(), words.end())}}};
}

std::string exceeds(int64_t is, const std::string& bound_name, int64_t bound) {
  return std::to_string(is) + " exceeds " + bound_name + " (" + std::to_string(bound) + ")";
}

namespace schema_detail {

std::string read(const Value& v, bool& out) {
  const bool* b = v.as<bool>();
  if (!b) return wrong("bool", v);
  out = *b;
  return {};
}

std::string read(const Value& v, int64_t& out) {
  if (const int64_t* i = v.as<int64_t>()) {
    out = *i;
    return {};
  }
  const double* d = v.as<double>();
  if (!d || *d != std::floor(*d) || std::abs(*d) > 9e15) return wrong("integer", v);
  out = static_cast<int64_t>(*d);
  return {};
}

std::string read(const Value& v, double& out) {
  if (!v.is<int64_t>() && !v.is<double>()) return wrong("number", v);
  out = as_number(v);
  return std::isfinite(out) ? "" : wrong("finite number", v);
}

std::string read(const Value& v, std::string& out) {
  const std::string* s = v.as<std::string>();
  if (!s) return wrong("string", v);
  out = *s;
  return {};
}

std::string read(const Value& v, std::vector<std::string>& out) {
  return read_list(v, "list of string", out);
}
std::string read(const Value& v, std::vector<int64_t>& out) {
  return read_list(v, "list of integer", out);
}
std::string read(const Value& v, std::vector<double>& out) {
  return read_list(v, "list of number", out);
}
std::string read(const Value& v, Value& out) {
  out = v;
  return {};
}

Value show(const std::vector<std::string>& v) { return show_list(v); }
Value show(const std::vector<int64_t>& v) { return show_list(v); }
Value show(const std::vector<double>& v) { return show_list(v); }

std::string literal(const Value& v) { return v.empty() ? "" : toml_literal(v); }

std::string resolve_path(const Value& v, std::string& path) {
  namespace fs = std::filesystem;
  const fs::path base = v.origin.folder.empty() ? fs::current_path() : fs::path(v.origin.folder);
  fs::path absolute = (base / path).lexically_normal();
  if (!absolute.has_filename()) absolute = absolute.parent_path();  // "models/esm2/"
  std::error_code unreachable;
  if (!fs::exists(absolute, unreachable))
    return "\"" + path + "\" does not exist (" + absolute.string() + ")";
  path = absolute.string();
  return {};
}

void add_problem(std::vector<std::string>& problems, const Origin& origin, const std::string& where,
                 const std::string& what) {
  const std::string place = origin.text();
  problems.push_back((place.empty() ? "" : place + ": ") + where + ": " + what);
}

Value with_presets(const Value& given, const Presets& presets) {
  Value out = given;
  for (const auto& [field, words] : presets) {
    const Value* word = given.find(field);
    if (!word || !word->is<std::string>()) continue;
    const auto preset = words.find(*word->as<std::string>());
    if (preset == words.end()) continue;
    for (Value::Table values = *preset->second.as<Value::Table>(); auto& [key, value] : values) {
      if (given.find(key)) continue;
      value.origin = word->origin;
      out.set(key, std::move(value));
    }
  }
  return out;
}

void unknown_keys(const std::string& where, const Value& given, const std::vector<FieldDoc>& docs,
                  std::vector<std::string>& problems) {
  const auto* table = given.as<Value::Table>();
  if (!table) return;
  std::vector<std::string> names;
  for (const FieldDoc& doc : docs) names.push_back(doc.name);
  for (const auto& [key, v] : *table)
    if (std::find(names.begin(), names.end(), key) == names.end())
      add_problem(problems, v.origin, where + "." + key, "unknown key" + did_you_mean(key, names));
}

void add_relation(std::vector<std::string>& problems, const Value& given, const std::string& where,
                  const std::vector<FieldDoc>& docs, const std::string& says) {
  const std::string first = says.substr(0, says.find(": "));
  const bool of_field =
      first.size() < says.size() &&
      std::any_of(docs.begin(), docs.end(), [&](const FieldDoc& doc) { return doc.name == first; });
  if (!of_field) return add_problem(problems, given.origin, where, says);
  const Value* field = given.find(first);
  const bool placed = field && !field->origin.text().empty();
  add_problem(problems, placed ? field->origin : given.origin, where + "." + first,
              says.substr(first.size() + 2));
}

}  // namespace schema_detail
}  // namespace facet
