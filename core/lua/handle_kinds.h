// The kinds of handles and their fields, each with its type and meaning: for editors.
#pragma once

#include <string>
#include <vector>

namespace facet::lua {

/// One field, in the words of editors: `type` as LuaCATS writes it.
struct HandleField {
  std::string name;
  std::string type;
  std::string help;
};
/// handle:name(...).
struct HandleMethod {
  std::string name;
  std::string about;                ///< one sentence
  std::vector<HandleField> params;  ///< a name that ends with "?" may be left out
  std::string returns;              ///< as LuaCATS writes it
};
struct HandleKind {
  std::string name;   ///< of its metatable: "sae"
  std::string about;  ///< one sentence
  std::vector<HandleField> fields;
  std::vector<HandleMethod> methods = {};
};
/// Every kind of handle, in the order of the run.
const std::vector<HandleKind>& handle_kinds();

}  // namespace facet::lua
