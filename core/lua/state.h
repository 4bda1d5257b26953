// A Lua state as facet's scripts know it: made deterministic, with the module `facet`, no C
// libraries.
#pragma once

#include <lua.hpp>

#include <filesystem>
#include <memory>

#include "lua/bindings.h"
#include "lua/guard.h"

namespace facet::lua {

struct Closer {
  void operator()(lua_State* L) const { lua_close(L); }
};
using State = std::unique_ptr<lua_State, Closer>;

/// `session` and `wall` are referred to. `require` finds Lua files beside session.script; it is
/// named in messages as `shown` does.
State open_state(Session& session, Wall& wall);

/// The name that messages use: short where the file lies under the working folder.
std::filesystem::path shown(const std::filesystem::path& file);

}  // namespace facet::lua
