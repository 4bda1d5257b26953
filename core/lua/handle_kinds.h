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
struct HandleKind {
  std::string name;   ///< the verb that makes it: "sae"
  std::string about;  ///< one sentence
  std::vector<HandleField> fields;
};
/// Every kind of handle, in the order of the run.
const std::vector<HandleKind>& handle_kinds();

}  // namespace facet::lua
