// Lua values to facet values and back.
#pragma once

#include <lua.hpp>

#include <string>
#include <vector>

#include "facet/rng.h"
#include "facet/value.h"

namespace facet::lua {

/// The value at `index`; its origin is the line of the call. Keys in `left_out` of a top-level
/// table are skipped (handles, callbacks). UserError "origin: where.key: ..." for a function, a
/// handle or a table of both names and numbers.
Value to_value(lua_State* L, int index, const Origin& origin, const std::string& where,
               const std::vector<std::string>& left_out = {});
void push_value(lua_State* L, const Value& value);

/// Replaces pairs, next, math.random and math.randomseed by versions with a fixed order and a
/// seeded stream, and takes os.getenv, io.popen, os.execute and os.exit away unless `unsafe`.
void make_deterministic(lua_State* L, bool unsafe);
/// Restarts math.random from a root seed.
void seed_random(lua_State* L, uint64_t seed);

/// While it lives, math.random draws from another stream. on_step has a stream of its own for each
/// step, so that a resumed training draws what an undisturbed one draws.
class OtherRandom {
 public:
  OtherRandom(lua_State* L, const Rng& stream);
  ~OtherRandom();
  OtherRandom(const OtherRandom&) = delete;
  OtherRandom& operator=(const OtherRandom&) = delete;

 private:
  lua_State* L_;
  Rng before_;
};

}  // namespace facet::lua
