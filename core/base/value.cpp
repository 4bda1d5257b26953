// Bodies of Value: typed access to tables, and descriptions for messages.
#include "facet/value.h"

#include <cmath>

namespace facet {
namespace {

std::string in_front(const Origin& origin) {
  const std::string where = origin.text();
  return where.empty() ? "" : where + ": ";
}

std::vector<std::string> keys_of(const Value& value) {
  std::vector<std::string> keys;
  if (const auto* table = value.as<Value::Table>())
    for (const auto& [key, member] : *table) keys.push_back(key);
  return keys;
}

template <class T>
const T& member(const Value& table, const std::string& key, const char* type) {
  const Value& v = table.at(key);
  if (const T* as = v.as<T>()) return *as;
  throw UserError(in_front(v.origin) + key + ": expected " + type + ", got " + v.describe());
}

}  // namespace

const Value* Value::find(const std::string& key) const {
  const Table* table = as<Table>();
  if (!table) return nullptr;
  const auto it = table->find(key);
  return it == table->end() ? nullptr : &it->second;
}

const Value& Value::at(const std::string& key) const {
  if (const Value* v = find(key)) return *v;
  throw UserError(in_front(origin) + key + ": missing" + did_you_mean(key, keys_of(*this)));
}

const std::string& Value::text(const std::string& key) const {
  return member<std::string>(*this, key, "string");
}
int64_t Value::integer(const std::string& key) const {
  return member<int64_t>(*this, key, "integer");
}
double Value::number(const std::string& key) const {
  const Value& v = at(key);
  if (const int64_t* i = v.as<int64_t>()) return static_cast<double>(*i);
  return member<double>(*this, key, "number");
}
bool Value::flag(const std::string& key) const { return member<bool>(*this, key, "bool"); }
const Value::Array& Value::array(const std::string& key) const {
  return member<Array>(*this, key, "list");
}
const Value::Table& Value::table(const std::string& key) const {
  return member<Table>(*this, key, "table");
}

Value& Value::set(const std::string& key, Value member) {
  if (empty()) data = Table();
  Table* table = as<Table>();
  FACET_ASSERT(table, "set(\"" + key + "\") on " + describe());
  return (*table)[key] = std::move(member);
}

std::string Value::describe() const {
  struct Visitor {
    std::string operator()(std::monostate) const { return "nothing"; }
    std::string operator()(bool v) const { return v ? "bool true" : "bool false"; }
    std::string operator()(int64_t v) const { return "integer " + std::to_string(v); }
    std::string operator()(double v) const {
      if (std::isnan(v)) return "number nan";
      if (std::isinf(v)) return v > 0 ? "number inf" : "number -inf";
      return "number " + emit_json(v);
    }
    std::string operator()(const std::string& v) const { return "string \"" + v + "\""; }
    std::string operator()(const Array& v) const { return "list of " + std::to_string(v.size()); }
    std::string operator()(const Table& v) const {
      return "table of " + std::to_string(v.size()) + (v.size() == 1 ? " key" : " keys");
    }
  };
  return std::visit(Visitor{}, data);
}

bool operator==(const Value& a, const Value& b) { return a.data == b.data; }

}  // namespace facet
