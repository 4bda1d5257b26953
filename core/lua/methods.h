// Methods of handles: what may follow `rows:`, `sae:`, `block:` beside the verbs of a run.
#pragma once

#include <lua.hpp>

#include <memory>
#include <string>
#include <vector>

#include "facet/value.h"
#include "lua/guard.h"

namespace facet::lua {

/// Methods of one kind of handle, as luaL_Reg; their meaning stands in handle_kinds().
const std::vector<luaL_Reg>& methods_of(const std::string& kind);

std::vector<luaL_Reg> host_methods();
std::vector<luaL_Reg> rows_methods();
std::vector<luaL_Reg> sae_methods();
std::vector<luaL_Reg> block_methods();
std::vector<luaL_Reg> block_codes_methods();
std::vector<luaL_Reg> matrix_methods();
std::vector<luaL_Reg> bound_methods();

/// The arguments of handle:method(...), each asked for by its place behind the handle, from 1.
class MethodCall {
 public:
  /// `form` is how it is written: "sae:encode(block, { all = true })". UserError for more arguments
  /// than `most`.
  MethodCall(lua_State* L, std::string form, int most);

  /// The handle before the colon; UserError when it is not there.
  template <class T>
  std::shared_ptr<T> self() const {
    auto handle = handle_at<T>(L_, 1);
    if (!handle) refuse_self();
    return handle;
  }
  template <class T>
  std::shared_ptr<T> handle(int place, const char* name) const {
    auto handle = handle_at<T>(L_, place + 1);
    if (!handle) refuse(place, name, std::string("a handle from ") + maker_of(handle_name<T>()));
    return handle;
  }
  int64_t integer(int place, const char* name) const;
  std::string text(int place, const char* name) const;
  /// nil is an empty table.
  Value table(int place, const char* name) const;
  /// A plain value, whatever it is; empty for nil.
  Value value(int place) const;
  /// The number of a row, from 1, as an index from 0.
  int64_t row(int place, int64_t rows) const;
  /// "sae:encode".
  const std::string& method() const { return method_; }

 private:
  [[noreturn]] void refuse_self() const;
  [[noreturn]] void refuse(int place, const char* name, const std::string& should_be) const;

  lua_State* L_;
  std::string form_, method_;
};

}  // namespace facet::lua
