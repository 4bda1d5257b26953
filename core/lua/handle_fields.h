// What a script sees of its handles: their fields, and that nothing else is there.
#pragma once

#include <lua.hpp>

#include <string>
#include <vector>

namespace facet::lua {

/// Makes the metatable of each kind, out of the script's reach.
void add_handles(lua_State* L);
/// The metatable of one kind: `collect` may be nullptr.
void add_kind(lua_State* L, const char* kind, lua_CFunction index, lua_CFunction collect);

/// The name of the field that is asked for, at 2.
std::string field_name(lua_State* L, const char* kind);
/// A field that is not there is an error with the nearest name, never a silent nil.
[[noreturn]] void no_field(const char* kind, const std::string& name,
                           const std::vector<std::string>& names);

}  // namespace facet::lua
