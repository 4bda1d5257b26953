// A place in a JSON file that is read with types; what is wrong is gathered, not thrown.
#pragma once

#include <facet/value.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace facet::layers {

/// One value of a file and the path to it. null and a missing key are the same.
class JsonNode {
 public:
  /// The whole file. All arguments must outlive the node and those made of it.
  JsonNode(const std::string& file, const Value& root, std::vector<std::string>& problems)
      : file_(&file), problems_(&problems), value_(&root) {}

  bool given() const { return value_ && !value_->empty(); }
  JsonNode at(const std::string& key) const;  ///< of a table; not given otherwise
  JsonNode at(size_t index) const;            ///< of a list; not given otherwise
  const Value* value() const { return value_; }

  /// Typed contents; a problem when they are there and of another type, or missing and required.
  const std::string& text() const;  ///< required; "" after a problem
  bool flag(bool otherwise) const;
  std::optional<int64_t> integer() const;  ///< required; none after a problem
  const Value::Array& list() const;        ///< required; empty after a problem
  const Value::Table& members() const;     ///< required; empty after a problem
  /// A problem unless the value is this one, or there is none where that is accepted.
  enum class Lacking { refused = 1, accepted };
  void must_be(const Value& wanted, Lacking lacking) const;
  /// Notes "file: path: what".
  void problem(const std::string& what) const;

 private:
  template <class T>
  const T& typed(const char* should) const;

  const std::string* file_;
  std::vector<std::string>* problems_;
  const Value* value_;
  std::string path_;
};

}  // namespace facet::layers
