// What a script may call on its handles: host:read, activations:take, sae:encode and so on.
#pragma once

#include <lua.hpp>

#include <string>
#include <vector>

namespace facet::lua {

/// The method `name` of a kind of handle; nullptr when it has none.
lua_CFunction method_of(const std::string& kind, const std::string& name);
std::vector<std::string> methods_of(const std::string& kind);

int host_read(lua_State* L);
int activations_take(lua_State* L);
int sae_encode(lua_State* L);
int sae_decode(lua_State* L);
int sae_loss(lua_State* L);
int sae_bind(lua_State* L);
int bound_logits(lua_State* L);
int bound_generate(lua_State* L);

}  // namespace facet::lua
