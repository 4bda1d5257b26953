// The one wall between C++ exceptions and Lua errors, and the handles scripts hold.
#pragma once

#include <lua.hpp>

#include <exception>
#include <memory>
#include <string>

#include "run/handles.h"

namespace facet {
struct Block;
struct BlockCodes;
class BoundSae;
}  // namespace facet

namespace facet::lua {

struct Matrix;

/// What a state carries beside Lua: the exception behind the newest error that a verb raised, so
/// that it leaves the script with its type.
struct Wall {
  std::exception_ptr pending;
  std::string text;  ///< of the Lua error that stands for it
  std::exception_ptr
      ended;  ///< what ends the run whatever a script's pcall makes of it: a stop, a bug
};
Wall& wall(lua_State* L);

/// Calls `body`; an exception becomes a Lua error with the script's place in front. Every C++
/// object of the body is destroyed before lua_error jumps.
int guarded(lua_State* L, int (*body)(lua_State*));

/// Calls the function and arguments on the stack. What goes wrong is thrown: the C++ exception
/// behind it with its type, or a UserError with Lua's text; a UserError has Lua's traceback as its
/// last problem.
void call(lua_State* L, int arguments, int results);

template <int (*Body)(lua_State*)>
int guard(lua_State* L) {
  return guarded(L, Body);
}

/// "train.lua:12" of the running Lua function at `level`, as an origin whose folder is the
/// script's.
Origin place_of(lua_State* L, int level);

/// What stands at `index`, for a message: "a handle from run:sae", "a function", "string \"x\"".
std::string described(lua_State* L, int index);

/// Handles are full userdata holding a shared_ptr<T>; T names its metatable.
template <class T>
const char* handle_name();
template <>
inline const char* handle_name<HostHandle>() {
  return "host";
}
template <>
inline const char* handle_name<DataHandle>() {
  return "data";
}
template <>
inline const char* handle_name<RowsHandle>() {
  return "activations";
}
template <>
inline const char* handle_name<SaeHandle>() {
  return "sae";
}
template <>
inline const char* handle_name<CodesHandle>() {
  return "codes";
}

template <>
inline const char* handle_name<Block>() {
  return "block";
}
template <>
inline const char* handle_name<BlockCodes>() {
  return "block_codes";
}
template <>
inline const char* handle_name<Matrix>() {
  return "matrix";
}
template <>
inline const char* handle_name<BoundSae>() {
  return "bound";
}
/// The call that makes handles of this name: "run:sae", "rows:take or host:read".
std::string maker_of(const std::string& name);

template <class T>
void push_handle(lua_State* L, std::shared_ptr<T> handle) {
  void* memory = lua_newuserdatauv(L, sizeof(std::shared_ptr<T>), 0);
  new (memory) std::shared_ptr<T>(std::move(handle));
  luaL_setmetatable(L, handle_name<T>());
}

/// nullptr when the value at `index` is no such handle.
template <class T>
std::shared_ptr<T> handle_at(lua_State* L, int index) {
  void* memory = luaL_testudata(L, index, handle_name<T>());
  return memory ? *static_cast<std::shared_ptr<T>*>(memory) : nullptr;
}

template <class T>
int collect_handle(lua_State* L) {
  static_cast<std::shared_ptr<T>*>(lua_touserdata(L, 1))->~shared_ptr();
  return 0;
}

}  // namespace facet::lua
