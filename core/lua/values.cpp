// Bodies of the conversion between Lua and facet values.
#include "lua/values.h"

#include <algorithm>

#include "lua/guard.h"

namespace facet::lua {
namespace {

constexpr int kDeepest = 64;

using Words = std::vector<std::string>;

Value convert(lua_State* L, int index, const Origin& origin, const std::string& where,
              const Words& left_out, int depth);

[[noreturn]] void refuse(const std::string& where, const std::string& what) {
  throw UserError(where + ": " + what);
}

Value convert_table(lua_State* L, int index, const Origin& origin, const std::string& where,
                    const Words& left_out, int depth) {
  const auto length = static_cast<int64_t>(lua_rawlen(L, index));
  Value::Table table;
  Value::Array array(static_cast<size_t>(length));
  for (lua_pushnil(L); lua_next(L, index) != 0; lua_pop(L, 1)) {
    if (lua_isinteger(L, -2) && lua_tointeger(L, -2) >= 1 && lua_tointeger(L, -2) <= length) {
      const auto at = static_cast<size_t>(lua_tointeger(L, -2));
      array[at - 1] = convert(L, -1, origin, where + "[" + std::to_string(at) + "]", {}, depth + 1);
    } else if (lua_type(L, -2) == LUA_TSTRING) {
      const std::string key = lua_tostring(L, -2);
      if (std::find(left_out.begin(), left_out.end(), key) == left_out.end())
        table[key] = convert(L, -1, origin, where + "." + key, {}, depth + 1);
    } else {
      refuse(where, "a table with a key of type " + std::string(luaL_typename(L, -2)) +
                        ", should be names, or 1, 2, 3 without holes");
    }
  }
  if (!array.empty() && !table.empty())
    refuse(where, "a table with both names and numbers as keys, should be one or the other");
  if (array.empty()) return table;
  return array;
}

Value convert(lua_State* L, int index, const Origin& origin, const std::string& where,
              const Words& left_out, int depth) {
  Value out;
  index = lua_absindex(L, index);
  if (depth > kDeepest)
    refuse(where, "a table nested deeper than " + std::to_string(kDeepest) + " levels");
  luaL_checkstack(L, 8, "facet values");
  switch (lua_type(L, index)) {
    case LUA_TNIL:
      break;
    case LUA_TBOOLEAN:
      out = lua_toboolean(L, index) != 0;
      break;
    case LUA_TNUMBER:
      if (lua_isinteger(L, index))
        out = static_cast<int64_t>(lua_tointeger(L, index));
      else
        out = static_cast<double>(lua_tonumber(L, index));
      break;
    case LUA_TSTRING: {
      size_t size = 0;
      const char* text = lua_tolstring(L, index, &size);
      out = std::string(text, size);
      break;
    }
    case LUA_TTABLE:
      out = convert_table(L, index, origin, where, left_out, depth);
      break;
    default:
      refuse(where, described(L, index) + ", should be a plain value");
  }
  out.origin = origin;
  return out;
}

}  // namespace

Value to_value(lua_State* L, int index, const Origin& origin, const std::string& where,
               const Words& left_out) {
  const std::string place = origin.text();
  return convert(L, index, origin, (place.empty() ? "" : place + ": ") + where, left_out, 0);
}

void push_value(lua_State* L, const Value& value) {
  luaL_checkstack(L, 4, "facet values");
  if (const bool* b = value.as<bool>()) {
    lua_pushboolean(L, *b);
  } else if (const int64_t* i = value.as<int64_t>()) {
    lua_pushinteger(L, *i);
  } else if (const double* d = value.as<double>()) {
    lua_pushnumber(L, *d);
  } else if (const std::string* s = value.as<std::string>()) {
    lua_pushlstring(L, s->data(), s->size());
  } else if (const auto* array = value.as<Value::Array>()) {
    lua_createtable(L, static_cast<int>(array->size()), 0);
    for (size_t k = 0; k < array->size(); ++k) {
      push_value(L, (*array)[k]);
      lua_rawseti(L, -2, static_cast<lua_Integer>(k + 1));
    }
  } else if (const auto* table = value.as<Value::Table>()) {
    lua_createtable(L, 0, static_cast<int>(table->size()));
    for (const auto& [key, member] : *table) {
      push_value(L, member);
      lua_setfield(L, -2, key.c_str());
    }
  } else {
    lua_pushnil(L);
  }
}

}  // namespace facet::lua
