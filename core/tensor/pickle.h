// A pickle as a tree, of the few things that files of tensors are made of. Nothing is executed.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace facet {

struct PickleNode;

/// A name that the pickle asks Python for, as "module.name".
struct PickleName {
  std::string_view module, name;
};
/// A list or tuple, in order; or a table, its pairs in order.
struct PickleItems {
  bool table = false;
  std::vector<PickleNode> items;  ///< of a table: key, value, key, value ...
};
/// Something that the pickle calls, and with what.
struct PickleCall {
  PickleName name;
  const PickleItems* arguments;
};
/// What torch.save() keeps outside of the pickle: a storage.
struct PickleStorage {
  const PickleItems* said;
};

struct PickleNode {
  std::variant<std::monostate, bool, int64_t, double, std::string_view, PickleName, PickleItems*,
               const PickleCall*, PickleStorage>
      data;
};

/// Reads protocol 2 to 5. The tree refers to `bytes`, which must outlive it.
class Pickle {
 public:
  /// `where` stands before every message. UserError for an opcode or a name that no file of tensors
  /// has, and for a pickle that is damaged.
  Pickle(std::string_view bytes, const std::string& where);
  const PickleNode& root() const { return root_; }

 private:
  friend class PickleReader;
  std::deque<PickleItems> items_;  // their addresses stay
  std::deque<PickleCall> calls_;
  PickleNode root_;
};

}  // namespace facet
