// Handles that methods hand out: rows in memory, and an SAE that is bound into a host.
#pragma once

#include <string>
#include <vector>

#include "facet/splice.h"
#include "lua/guard.h"

namespace facet::lua {

/// From host:read and activations:take. It stays in memory as long as the script holds it.
struct BlockHandle {
  Rows rows;                        ///< x [n, points, d]
  std::vector<std::string> tokens;  ///< n texts; empty: rows of a known dictionary
};

/// From sae:bind.
struct BoundHandle {
  std::shared_ptr<HostHandle> host;
  std::shared_ptr<SaeHandle> sae;
  std::string point;
  bool prompt_only = false;
  bool error_term = true;
  int on_codes = LUA_NOREF;  ///< the script's function
};

template <>
inline const char* handle_name<BlockHandle>() {
  return "block";
}
template <>
inline const char* handle_name<BoundHandle>() {
  return "bound";
}

/// A table as its method's schema wants it; "host:read" is `method`.
Value method_table(lua_State* L, int index, const std::string& method);
/// The handle at `index`; UserError "METHOD: what is there, should be ...".
template <class T>
std::shared_ptr<T> handle_for(lua_State* L, int index, const std::string& method,
                              const std::string& should_be) {
  auto handle = handle_at<T>(L, index);
  if (handle) return handle;
  throw UserError(method + ": " + (lua_isnone(L, index) ? "nothing" : described(L, index)) +
                  ", should be " + should_be);
}

}  // namespace facet::lua
