// The one table a verb is called with, taken apart into handles, callbacks and plain values.
#pragma once

#include <lua.hpp>

#include <memory>
#include <string>
#include <vector>

#include "facet/value.h"
#include "lua/guard.h"

namespace facet::lua {

/// The name of the run's metatable.
inline constexpr char kRun[] = "run";

/// run:verb { ... } has its table at 2.
class Arguments {
 public:
  /// UserError when this is no call of that form.
  Arguments(lua_State* L, std::string verb);

  /// The handle under `key`, or nullptr; UserError when something else stands there. `also`: what
  /// else might.
  template <class T>
  std::shared_ptr<T> take(const char* key, const char* also = "") {
    auto handle = try_take<T>(key);
    if (!handle) refuse_other(key, "a handle from " + maker_of(handle_name<T>()) + also);
    return handle;
  }
  /// The handle under `key`, or those of a list there; none when nothing stands there. UserError
  /// when something else does.
  template <class T>
  std::vector<std::shared_ptr<T>> take_some(const char* key) {
    std::vector<std::shared_ptr<T>> out;
    if (auto one = try_take<T>(key)) return {one};
    const std::string kind = "a handle from " + maker_of(handle_name<T>());
    if (!push(key)) return out;
    const bool list = lua_istable(L_, -1);
    for (lua_Integer i = 1; list && lua_rawgeti(L_, -1, i) != LUA_TNIL; ++i, lua_pop(L_, 1)) {
      auto one = handle_at<T>(L_, -1);
      if (!one) refuse_item(key, i, kind);
      out.push_back(std::move(one));
    }
    lua_pop(L_, list ? 2 : 1);
    if (!list || out.empty()) refuse_other(key, kind + " or a list of them");
    taken_.push_back(key);
    return out;
  }
  /// The handle under `key` when it is of this kind.
  template <class T>
  std::shared_ptr<T> try_take(const char* key) {
    if (!push(key)) return nullptr;
    auto handle = handle_at<T>(L_, -1);
    lua_pop(L_, 1);
    if (handle) taken_.push_back(key);
    return handle;
  }
  /// A reference to the function under `key`, or LUA_NOREF.
  int take_function(const char* key);
  bool is_function(const char* key);
  /// What is left, as a table with the call's line as origin.
  Value rest() const;
  const Origin& origin() const { return origin_; }

 private:
  bool push(const char* key);
  void refuse_other(const char* key, const std::string& should_be);
  /// Item `i` of the list under `key` stands on the stack.
  [[noreturn]] void refuse_item(const char* key, lua_Integer i, const std::string& should_be);

  lua_State* L_;
  std::string verb_;
  Origin origin_;
  std::vector<std::string> taken_;
};

}  // namespace facet::lua
