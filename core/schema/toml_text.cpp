// Bodies of the TOML writer.
#include "schema/toml_text.h"

#include <algorithm>
#include <cmath>

namespace facet {
namespace {

bool is_section(const Value& v) { return v.is<Value::Table>(); }
bool is_sections(const Value& v) {
  const auto* array = v.as<Value::Array>();
  return array && !array->empty() && std::all_of(array->begin(), array->end(), is_section);
}

// JSON's text is TOML's too but for DEL, which TOML wants escaped.
std::string quoted(const std::string& text) {
  std::string out = emit_json(text);
  for (size_t at = 0; (at = out.find('\x7f', at)) != std::string::npos;)
    out.replace(at, 1, "\\u007F");
  return out;
}

std::string key_text(const std::string& key) {
  const bool bare = !key.empty() && std::all_of(key.begin(), key.end(), [](unsigned char c) {
    return std::isalnum(c) || c == '_' || c == '-';
  });
  return bare ? key : quoted(key);
}

void emit_section(const Value& table, const std::string& path,
                  const std::function<std::string(const Value&)>& note, std::string& out) {
  const auto& members = *table.as<Value::Table>();
  for (const auto& [key, v] : members) {
    if (v.empty() || is_section(v) || is_sections(v)) continue;
    out += key_text(key) + " = " + toml_literal(v);
    const std::string comment = note ? note(v) : "";
    out += (comment.empty() ? "" : "  # " + comment) + "\n";
  }
  for (const auto& [key, v] : members) {
    const std::string inner = path.empty() ? key_text(key) : path + "." + key_text(key);
    if (is_section(v)) {
      out += "\n[" + inner + "]\n";
      emit_section(v, inner, note, out);
    } else if (is_sections(v)) {
      for (const Value& item : *v.as<Value::Array>()) {
        out += "\n[[" + inner + "]]\n";
        emit_section(item, inner, note, out);
      }
    }
  }
}

}  // namespace

std::string toml_literal(const Value& value) {
  if (const double* d = value.as<double>()) {
    if (std::isnan(*d)) return "nan";
    if (std::isinf(*d)) return *d > 0 ? "inf" : "-inf";
  }
  std::string out;
  if (const auto* array = value.as<Value::Array>()) {
    for (const Value& item : *array) out += (out.empty() ? "" : ", ") + toml_literal(item);
    return "[" + out + "]";
  }
  if (const auto* table = value.as<Value::Table>()) {
    for (const auto& [key, member] : *table)
      if (!member.empty())
        out += (out.empty() ? " " : ", ") + key_text(key) + " = " + toml_literal(member);
    return out.empty() ? "{}" : "{" + out + " }";
  }
  if (const std::string* text = value.as<std::string>()) return quoted(*text);
  return emit_json(value);
}

std::string emit_toml(const Value& table, const std::function<std::string(const Value&)>& note) {
  std::string out;
  if (table.is<Value::Table>()) emit_section(table, "", note, out);
  return out;
}

}  // namespace facet
