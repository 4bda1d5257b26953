// One value as a user wrote it, in TOML, Lua, JSON or --set, with the place it came from.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <map>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "facet/error.h"

namespace facet {

/// A TOML-like value. Tables are kept sorted by key, so that emitting one is deterministic.
class Value {
 public:
  using Array = std::vector<Value>;
  using Table = std::map<std::string, Value>;

  Value() = default;
  Value(bool v) : data(v) {}                       // NOLINT(google-explicit-constructor)
  Value(int v) : data(static_cast<int64_t>(v)) {}  // NOLINT(google-explicit-constructor)
  Value(int64_t v) : data(v) {}                    // NOLINT(google-explicit-constructor)
  Value(double v) : data(v) {}                     // NOLINT(google-explicit-constructor)
  Value(const char* v) : data(std::string(v)) {}   // NOLINT(google-explicit-constructor)
  Value(std::string v) : data(std::move(v)) {}     // NOLINT(google-explicit-constructor)
  Value(Array v) : data(std::move(v)) {}           // NOLINT(google-explicit-constructor)
  Value(Table v) : data(std::move(v)) {}           // NOLINT(google-explicit-constructor)

  std::variant<std::monostate, bool, int64_t, double, std::string, Array, Table> data;
  Origin origin;

  template <class T>
  bool is() const {
    return std::holds_alternative<T>(data);
  }
  bool empty() const { return is<std::monostate>(); }
  /// The value as T, or nullptr when it is of another type.
  template <class T>
  const T* as() const {
    return std::get_if<T>(&data);
  }
  template <class T>
  T* as() {
    return std::get_if<T>(&data);
  }

  /// The member of a table, or nullptr when this is no table or has no such key.
  const Value* find(const std::string& key) const;
  /// The member of a table; UserError naming `key` and the origin when it is missing.
  const Value& at(const std::string& key) const;
  /// Typed members of tables we wrote ourselves (records, cursors, configs): UserError with the
  /// key, what is there and what should be, when the key is missing or of another type.
  const std::string& text(const std::string& key) const;
  int64_t integer(const std::string& key) const;
  double number(const std::string& key) const;  ///< an integer is accepted
  bool flag(const std::string& key) const;
  const Array& array(const std::string& key) const;
  const Table& table(const std::string& key) const;

  /// Sets a member; an empty value becomes a table first. FACET_ASSERTs on any other type.
  Value& set(const std::string& key, Value member);

  /// "string \"32\"", "integer 32", "array of 3": for messages.
  std::string describe() const;
};

/// Equal in type and content; origins are not compared.
bool operator==(const Value& a, const Value& b);

/// JSON text to a value. Bare Infinity and NaN are accepted, as Python writes them. UserError
/// "name:line:column: ..." when the text is no JSON.
Value parse_json(const std::string& text, const std::string& name);
/// Compact JSON, keys sorted, shortest floats that read back to the same bits: canonical, so it can
/// be hashed. Not-a-number and infinities are written as null.
std::string emit_json(const Value& value);
/// The same, indented by two spaces.
std::string emit_json_pretty(const Value& value);

}  // namespace facet
