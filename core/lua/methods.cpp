// Bodies of the arguments of methods, and which kind has which.
#include "lua/methods.h"

#include <map>

#include "lua/values.h"

namespace facet::lua {

const std::vector<luaL_Reg>& methods_of(const std::string& kind) {
  static const std::map<std::string, std::vector<luaL_Reg>> all = {
      {"host", host_methods()},
      {"activations", rows_methods()},
      {"sae", sae_methods()},
      {"block", block_methods()},
      {"block_codes", block_codes_methods()},
      {"matrix", matrix_methods()},
      {"bound", bound_methods()}};
  static const std::vector<luaL_Reg> none;
  const auto found = all.find(kind);
  return found == all.end() ? none : found->second;
}

MethodCall::MethodCall(lua_State* L, std::string form, int most)
    : L_(L), form_(std::move(form)), method_(form_.substr(0, form_.find_first_of("( "))) {
  if (lua_gettop(L) > most + 1)
    throw UserError(method_ + ": " + std::to_string(lua_gettop(L) - 1) +
                    " arguments, should be called as " + form_);
}

int64_t MethodCall::integer(int place, const char* name) const {
  int whole = 0;
  const lua_Integer out = lua_tointegerx(L_, place + 1, &whole);
  if (!whole || lua_type(L_, place + 1) != LUA_TNUMBER) refuse(place, name, "an integer");
  return out;
}

std::string MethodCall::text(int place, const char* name) const {
  if (lua_type(L_, place + 1) != LUA_TSTRING) refuse(place, name, "a string");
  size_t size = 0;
  const char* out = lua_tolstring(L_, place + 1, &size);
  return {out, size};
}

Value MethodCall::table(int place, const char* name) const {
  if (!lua_isnoneornil(L_, place + 1) && !lua_istable(L_, place + 1))
    refuse(place, name, "a table");
  return value(place);
}

Value MethodCall::value(int place) const {
  if (lua_isnoneornil(L_, place + 1)) return {};
  return to_value(L_, place + 1, place_of(L_, 1), method_);
}

int64_t MethodCall::row(int place, int64_t rows) const {
  const int64_t out = integer(place, "row");
  if (out < 1 || out > rows)
    throw UserError(method_ + ": row: is " + std::to_string(out) + ", should be 1 .. " +
                    std::to_string(rows));
  return out - 1;
}

void MethodCall::refuse_self() const {
  throw UserError(method_ + ": " + (lua_isnoneornil(L_, 1) ? "nothing" : described(L_, 1)) +
                  " before the colon, should be called as " + form_);
}

void MethodCall::refuse(int place, const char* name, const std::string& should_be) const {
  const std::string is = lua_isnoneornil(L_, place + 1) ? "nothing" : described(L_, place + 1);
  throw UserError(method_ + ": " + name + ": " + is + ", should be " + should_be);
}

}  // namespace facet::lua
