// Lua without chance: tables are walked in the order of their keys, math.random draws from the
// run's seed, and the doors to the environment are shut.
#include <cmath>
#include <memory>
#include <utility>

#include "facet/rng.h"
#include "lua/guard.h"
#include "lua/values.h"

namespace facet::lua {
namespace {

constexpr char kRandom[] = "facet.random";

// Numbers, then strings, then false and true: the order in which tables are walked.
int rank_of(lua_State* L, int index) {
  switch (lua_type(L, index)) {
    case LUA_TNUMBER:
      return 1;
    case LUA_TSTRING:
      return 2;
    case LUA_TBOOLEAN:
      return 3;
    default:
      return 0;
  }
}

bool comes_before(lua_State* L, int a, int b) {
  const int ra = rank_of(L, a), rb = rank_of(L, b);
  if (ra != rb) return ra < rb;
  if (ra == 3) return lua_toboolean(L, a) < lua_toboolean(L, b);
  if (ra == 1) return lua_compare(L, a, b, LUA_OPLT) != 0;
  size_t na = 0, nb = 0;  // bytes, not the locale's order
  const char* ta = lua_tolstring(L, a, &na);
  const char* tb = lua_tolstring(L, b, &nb);
  return std::string_view(ta, na) < std::string_view(tb, nb);
}

// The keys of the table at 1 as a sorted sequence at the top of the stack.
void push_sorted_keys(lua_State* L) {
  lua_newtable(L);
  const int keys = lua_gettop(L);
  lua_Integer count = 0;
  lua_pushnil(L);
  while (lua_next(L, 1) != 0) {
    lua_pop(L, 1);
    if (rank_of(L, -1) == 0)
      luaL_error(L, "pairs: a key of type %s has no fixed order", luaL_typename(L, -1));
    lua_pushvalue(L, -1);
    lua_rawseti(L, keys, ++count);
  }
  // Heap sort over the sequence: no C++ object is alive while Lua may raise an error.
  const auto swap = [L, keys](lua_Integer a, lua_Integer b) {
    lua_rawgeti(L, keys, a);
    lua_rawgeti(L, keys, b);
    lua_rawseti(L, keys, a);
    lua_rawseti(L, keys, b);
  };
  const auto before = [L, keys](lua_Integer a, lua_Integer b) {
    lua_rawgeti(L, keys, a);
    lua_rawgeti(L, keys, b);
    const bool result = comes_before(L, -2, -1);
    lua_pop(L, 2);
    return result;
  };
  const auto sift = [&](lua_Integer at, lua_Integer size) {
    for (lua_Integer child = 2 * at; child <= size; at = child, child = 2 * at) {
      if (child < size && before(child, child + 1)) ++child;
      if (!before(at, child)) return;
      swap(at, child);
    }
  };
  for (lua_Integer at = count / 2; at >= 1; --at) sift(at, count);
  for (lua_Integer size = count; size > 1; --size) {
    swap(1, size);
    sift(1, size - 1);
  }
}

// Upvalues: the sorted keys, how many were visited. Keys that were removed meanwhile are passed
// over.
int step(lua_State* L) {
  lua_Integer at = lua_tointeger(L, lua_upvalueindex(2));
  while (true) {
    lua_pushinteger(L, ++at);
    lua_replace(L, lua_upvalueindex(2));
    lua_rawgeti(L, lua_upvalueindex(1), at);
    if (lua_isnil(L, -1)) return 1;
    lua_pushvalue(L, -1);
    lua_rawget(L, 1);
    if (!lua_isnil(L, -1)) return 2;
    lua_pop(L, 2);
  }
}

int sorted_pairs(lua_State* L) {
  luaL_checkany(L, 1);
  if (luaL_getmetafield(L, 1, "__pairs") != LUA_TNIL) {
    lua_pushvalue(L, 1);
    lua_call(L, 1, 3);
    return 3;
  }
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 1);
  push_sorted_keys(L);
  lua_pushinteger(L, 0);
  lua_pushcclosure(L, step, 2);
  lua_pushvalue(L, 1);
  lua_pushnil(L);
  return 3;
}

// The key after the given one, by a search through the whole table: correct, and slow for long
// walks.
int sorted_next(lua_State* L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 2);
  lua_pushnil(L);  // 3: the best so far
  lua_pushnil(L);
  while (lua_next(L, 1) != 0) {
    lua_pop(L, 1);
    if (rank_of(L, -1) == 0)
      luaL_error(L, "next: a key of type %s has no fixed order", luaL_typename(L, -1));
    const int key = lua_gettop(L);
    if ((lua_isnil(L, 2) || comes_before(L, 2, key)) &&
        (lua_isnil(L, 3) || comes_before(L, key, 3))) {
      lua_pushvalue(L, key);
      lua_replace(L, 3);
    }
  }
  lua_settop(L, 3);
  if (lua_isnil(L, 3)) return 1;
  lua_pushvalue(L, 3);
  lua_rawget(L, 1);
  return 2;
}

Rng& stream(lua_State* L) {
  lua_getfield(L, LUA_REGISTRYINDEX, kRandom);
  auto* rng = static_cast<Rng*>(lua_touserdata(L, -1));
  lua_pop(L, 1);
  return *rng;
}

int random(lua_State* L) {
  if (lua_gettop(L) == 0) {
    lua_pushnumber(L, stream(L).uniform());
    return 1;
  }
  if (lua_gettop(L) == 1 && luaL_checkinteger(L, 1) == 0) {  // as in Lua: all bits
    lua_pushinteger(L, static_cast<lua_Integer>(stream(L).next()));
    return 1;
  }
  const lua_Integer low = lua_gettop(L) == 1 ? 1 : luaL_checkinteger(L, 1);
  const lua_Integer high = luaL_checkinteger(L, lua_gettop(L) == 1 ? 1 : 2);
  luaL_argcheck(L, low <= high, lua_gettop(L), "interval is empty");
  const auto span = static_cast<uint64_t>(high) - static_cast<uint64_t>(low);
  const uint64_t drawn = span == UINT64_MAX ? stream(L).next() : stream(L).below(span + 1);
  lua_pushinteger(L, static_cast<lua_Integer>(static_cast<uint64_t>(low) + drawn));
  return 1;
}

int random_seed(lua_State* L) {
  if (lua_gettop(L) == 0)
    return luaL_error(L, "math.randomseed: a seed is required; a run has no chance of its own");
  seed_random(L, static_cast<uint64_t>(luaL_checkinteger(L, 1)));
  return 0;
}

int refused(lua_State* L) {
  return luaL_error(L, "%s: %s", lua_tostring(L, lua_upvalueindex(1)),
                    lua_tostring(L, lua_upvalueindex(2)));
}

void refuse_call(lua_State* L, const char* library, const char* name, const char* why) {
  lua_getglobal(L, library);
  lua_pushfstring(L, "%s.%s", library, name);
  lua_pushstring(L, why);
  lua_pushcclosure(L, refused, 2);
  lua_setfield(L, -2, name);
  lua_pop(L, 1);
}

void put(lua_State* L, const char* library, const char* name, lua_CFunction function) {
  if (library)
    lua_getglobal(L, library);
  else
    lua_pushglobaltable(L);
  lua_pushcfunction(L, function);
  lua_setfield(L, -2, name);
  lua_pop(L, 1);
}

}  // namespace

OtherRandom::OtherRandom(lua_State* L, const Rng& other)
    : L_(L), before_(std::exchange(stream(L), other)) {}
OtherRandom::~OtherRandom() { stream(L_) = before_; }

void seed_random(lua_State* L, uint64_t seed) {
  const Rng fresh(seed, "lua");
  lua_getfield(L, LUA_REGISTRYINDEX, kRandom);
  if (lua_isnil(L, -1)) {
    new (lua_newuserdatauv(L, sizeof(Rng), 0)) Rng(fresh);  // Rng is trivially destructible
    lua_setfield(L, LUA_REGISTRYINDEX, kRandom);
  } else {
    *static_cast<Rng*>(lua_touserdata(L, -1)) = fresh;
  }
  lua_pop(L, 1);
}

void make_deterministic(lua_State* L, bool unsafe) {
  put(L, nullptr, "pairs", sorted_pairs);
  put(L, nullptr, "next", sorted_next);
  put(L, "math", "random", random);
  put(L, "math", "randomseed", random_seed);
  seed_random(L, 0);
  refuse_call(L, "os", "exit", "a run ends by its script's end or by an error");
  if (unsafe) return;
  constexpr char kUnsafe[] = "only there under --unsafe: a run must not depend on its surroundings";
  refuse_call(L, "os", "getenv", kUnsafe);
  refuse_call(L, "os", "execute", kUnsafe);
  refuse_call(L, "io", "popen", kUnsafe);
}

}  // namespace facet::lua
