// JSON text to Value and back; the only file that sees the JSON library.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "base/json_line.h"
#include "facet/value.h"

namespace facet {
namespace {

using nlohmann::json;

// A text in which what Python writes bare became strings, and where the strings end in both texts.
struct Clean {
  std::string text;
  std::vector<std::pair<size_t, size_t>> ends;  // in `text`, in the original

  /// The length of the original that became the first `size` bytes.
  size_t original(size_t size) const {
    for (auto it = ends.rbegin(); it != ends.rend(); ++it)
      if (it->first <= size) return it->second + size - it->first;
    return size;
  }
};

// Python writes bare Infinity, -Infinity and NaN: outside strings they become strings that no
// document contains.
Clean without_bare_numbers(const std::string& text) {
  Clean out;
  if (text.find("Infinity") == std::string::npos && text.find("NaN") == std::string::npos) {
    out.text = text;
    return out;
  }
  bool in_string = false;
  for (size_t i = 0; i < text.size();) {
    const auto bare = [&](const std::string& word) {
      if (in_string || text.compare(i, word.size(), word) != 0) return false;
      out.text += "\"\\u0001" + word + "\"";
      i += word.size();
      out.ends.emplace_back(out.text.size(), i);
      return true;
    };
    if (bare("Infinity") || bare("-Infinity") || bare("NaN")) continue;
    if (in_string && text[i] == '\\' && i + 1 < text.size())
      out.text += text[i++];
    else if (text[i] == '"')
      in_string = !in_string;
    out.text += text[i++];
  }
  return out;
}

// Builds a Value while the library parses, so that duplicate keys and the place of an error are
// seen.
class Builder : public nlohmann::json_sax<json> {
 public:
  /// line: of `name`, on which the text stands alone; 0: the text is all of it.
  Builder(const std::string& text, const Clean& clean, const std::string& name, int line)
      : text_(text),
        clean_(clean),
        file_(name),
        line_(line),
        name_(Origin{name, line, 0, ""}.text()) {}

  bool null() override { return put(Value()); }
  bool boolean(bool v) override { return put(v); }
  bool number_integer(number_integer_t v) override { return put(static_cast<int64_t>(v)); }
  bool number_unsigned(number_unsigned_t v) override {
    if (v > static_cast<number_unsigned_t>(INT64_MAX)) return put(static_cast<double>(v));
    return put(static_cast<int64_t>(v));
  }
  bool number_float(number_float_t v, const string_t&) override { return put(v); }
  bool string(string_t& v) override {
    constexpr double infinity = std::numeric_limits<double>::infinity();
    if (v == "\x01Infinity") return put(infinity);
    if (v == "\x01-Infinity") return put(-infinity);
    if (v == "\x01NaN") return put(std::numeric_limits<double>::quiet_NaN());
    return put(v);
  }
  bool binary(binary_t&) override { return false; }
  bool start_object(std::size_t) override { return open(Value::Table()); }
  bool start_array(std::size_t) override { return open(Value::Array()); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }
  bool key(string_t& v) override {
    if (open_.back()->find(v))
      throw UserError(name_ + ": key \"" + v + "\" stands twice in one object");
    keys_.back() = v;
    return true;
  }
  bool parse_error(std::size_t position, const std::string&,
                   const nlohmann::detail::exception&) override {
    int line = std::max(line_, 1), column = 1;
    const size_t end = clean_.original(position);
    for (size_t i = 0; i + 1 < end && i < text_.size(); ++i) {
      column = text_[i] == '\n' ? 1 : column + 1;
      line += text_[i] == '\n';
    }
    throw UserError(Origin{file_, line, column, ""}.text() + ": not valid JSON");
  }

  Value take() { return std::move(root_); }

 private:
  bool put(Value v) {
    place(std::move(v));
    return true;
  }
  Value* place(Value v) {
    if (open_.empty()) {
      root_ = std::move(v);
      return &root_;
    }
    if (auto* array = open_.back()->as<Value::Array>()) return &array->emplace_back(std::move(v));
    return &open_.back()->set(keys_.back(), std::move(v));
  }
  bool open(Value v) {
    // A pointer into a growing array stays good: nothing is added to the parent while the child is
    // open.
    open_.push_back(place(std::move(v)));
    keys_.emplace_back();
    if (open_.size() > 500) throw UserError(name_ + ": nested deeper than 500 levels");
    return true;
  }
  bool close() {
    open_.pop_back();
    keys_.pop_back();
    return true;
  }

  const std::string& text_;
  const Clean& clean_;
  const std::string& file_;
  const int line_;
  const std::string name_;
  Value root_;
  std::vector<Value*> open_;
  std::vector<std::string> keys_;
};

void quote(const std::string& text, std::string& out) {
  out += json(text).dump(-1, ' ', false, json::error_handler_t::replace);
}

void emit(const Value& value, int indent, int depth, std::string& out) {
  const auto line = [&](int levels) {
    if (indent > 0) out += "\n" + std::string(static_cast<size_t>(indent * levels), ' ');
  };
  if (value.empty()) {
    out += "null";
  } else if (const bool* b = value.as<bool>()) {
    out += *b ? "true" : "false";
  } else if (const int64_t* i = value.as<int64_t>()) {
    out += std::to_string(*i);
  } else if (const double* d = value.as<double>()) {
    if (!std::isfinite(*d)) {
      out += "null";
      return;
    }
    char text[32];
    const auto end = std::to_chars(text, text + sizeof text, *d).ptr;
    out.append(text, end);
    if (std::string_view(text, end - text).find_first_of(".en") == std::string_view::npos)
      out += ".0";
  } else if (const std::string* s = value.as<std::string>()) {
    quote(*s, out);
  } else if (const auto* array = value.as<Value::Array>()) {
    out += "[";
    for (size_t k = 0; k < array->size(); ++k) {
      if (k > 0) out += ",";
      line(depth + 1);
      emit((*array)[k], indent, depth + 1, out);
    }
    if (!array->empty()) line(depth);
    out += "]";
  } else {
    const auto& table = *value.as<Value::Table>();
    out += "{";
    bool first = true;
    for (const auto& [key, member] : table) {
      if (!first) out += ",";
      first = false;
      line(depth + 1);
      quote(key, out);
      out += indent > 0 ? ": " : ":";
      emit(member, indent, depth + 1, out);
    }
    if (!table.empty()) line(depth);
    out += "}";
  }
}

Value parse(const std::string& text, const std::string& name, int line) {
  const Clean clean = without_bare_numbers(text);
  Builder builder(text, clean, name, line);
  try {
    json::sax_parse(clean.text, &builder);
  } catch (const json::exception& e) {
    throw UserError(Origin{name, line, 0, ""}.text() + ": not valid JSON");
  }
  return builder.take();
}

}  // namespace

Value parse_json(const std::string& text, const std::string& name) { return parse(text, name, 0); }

Value parse_json_line(const std::string& text, const std::string& file, int line) {
  return parse(text, file, line);
}

std::string emit_json(const Value& value) {
  std::string out;
  emit(value, 0, 0, out);
  return out;
}

std::string emit_json_pretty(const Value& value) {
  std::string out;
  emit(value, 2, 0, out);
  return out + "\n";
}

}  // namespace facet
