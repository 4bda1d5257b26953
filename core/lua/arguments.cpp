// Bodies of a verb's arguments.
#include "lua/arguments.h"

#include "lua/values.h"

namespace facet::lua {

Arguments::Arguments(lua_State* L, std::string verb)
    : L_(L), verb_(std::move(verb)), origin_(place_of(L, 1)) {
  const std::string form = "run:" + verb_ + " { ... }";
  if (!luaL_testudata(L, 1, kRun))
    throw UserError("run." + verb_ + ": " + (lua_isnone(L, 1) ? "nothing" : described(L, 1)) +
                    " where the run should be: write " + form);
  if (lua_gettop(L) > 2)
    throw UserError("run:" + verb_ + ": " + std::to_string(lua_gettop(L) - 1) +
                    " arguments, should be one table: " + form);
  if (lua_isnoneornil(L, 2)) return;
  if (!lua_istable(L, 2))
    throw UserError("run:" + verb_ + ": " + described(L, 2) + ", should be one table: " + form);
  if (lua_rawlen(L, 2) > 0)
    throw UserError("run:" + verb_ + ": a list, should be a table with names: run:" + verb_ +
                    " { name = value }");
}

int Arguments::take_function(const char* key) {
  taken_.push_back(key);
  if (!is_function(key)) {
    refuse_other(key, "a function");
    return LUA_NOREF;
  }
  lua_getfield(L_, 2, key);
  return luaL_ref(L_, LUA_REGISTRYINDEX);
}

bool Arguments::is_function(const char* key) {
  if (!push(key)) return false;
  const bool result = lua_isfunction(L_, -1);
  lua_pop(L_, 1);
  return result;
}

Value Arguments::rest() const {
  if (!lua_istable(L_, 2)) {
    Value none{Value::Table()};
    none.origin = origin_;
    return none;
  }
  return to_value(L_, 2, origin_, verb_, taken_);
}

bool Arguments::push(const char* key) {
  if (!lua_istable(L_, 2)) return false;
  lua_getfield(L_, 2, key);
  if (!lua_isnil(L_, -1)) return true;
  lua_pop(L_, 1);
  return false;
}

void Arguments::refuse_item(const char* key, lua_Integer i, const std::string& should_be) {
  throw UserError(verb_ + "." + key + "[" + std::to_string(i) + "]: " + described(L_, -1) +
                  ", should be " + should_be);
}

// When anything stands under `key`.
void Arguments::refuse_other(const char* key, const std::string& should_be) {
  taken_.push_back(key);
  if (!push(key)) return;
  const std::string is = described(L_, -1);
  lua_pop(L_, 1);
  throw UserError(verb_ + "." + key + ": " + is + ", should be " + should_be);
}

}  // namespace facet::lua
