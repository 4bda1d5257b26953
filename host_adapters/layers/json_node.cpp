// Walks a Value and says what is wrong with it.
#include "json_node.h"

namespace facet::layers {

JsonNode JsonNode::at(const std::string& key) const {
  JsonNode child = *this;
  child.value_ = value_ ? value_->find(key) : nullptr;
  child.path_ += (path_.empty() ? "" : ".") + key;
  return child;
}

JsonNode JsonNode::at(size_t index) const {
  JsonNode child = *this;
  const Value::Array* list = value_ ? value_->as<Value::Array>() : nullptr;
  child.value_ = list && index < list->size() ? &(*list)[index] : nullptr;
  child.path_ += "[" + std::to_string(index) + "]";
  return child;
}

void JsonNode::problem(const std::string& what) const {
  problems_->push_back(*file_ + ": " + (path_.empty() ? "" : path_ + ": ") + what);
}

template <class T>
const T& JsonNode::typed(const char* should) const {
  static const T kNothing = {};
  const T* value = given() ? value_->as<T>() : nullptr;
  if (value) return *value;
  problem(given() ? value_->describe() + ", should be " + should
                  : std::string("required, should be ") + should);
  return kNothing;
}

const std::string& JsonNode::text() const { return typed<std::string>("a string"); }
const Value::Array& JsonNode::list() const { return typed<Value::Array>("a list"); }
const Value::Table& JsonNode::members() const { return typed<Value::Table>("a table"); }

std::optional<int64_t> JsonNode::integer() const {
  if (given() && value_->is<int64_t>()) return *value_->as<int64_t>();
  typed<int64_t>("an integer");
  return std::nullopt;
}

bool JsonNode::flag(bool otherwise) const {
  return given() ? typed<bool>("true or false") : otherwise;
}

void JsonNode::must_be(const Value& wanted, Lacking lacking) const {
  if (!given() && lacking == Lacking::accepted) return;
  if (!given())
    problem("required, should be " + emit_json(wanted));
  else if (!(*value_ == wanted))
    problem("is " + emit_json(*value_) + ", should be " + emit_json(wanted));
}

}  // namespace facet::layers
