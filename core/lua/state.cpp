// Bodies of making a state.
#include "lua/state.h"

#include "lua/values.h"

namespace facet::lua {
namespace {

namespace fs = std::filesystem;

void set_path(lua_State* L, const fs::path& script) {
  const std::string path = (shown(script).parent_path() / "?.lua").string();
  lua_getglobal(L, "package");
  lua_pushlstring(L, path.data(), path.size());
  lua_setfield(L, -2, "path");
  lua_getfield(L, -1, "searchers");  // preloaded and Lua files; no C libraries
  for (const int searcher : {4, 3}) {
    lua_pushnil(L);
    lua_rawseti(L, -2, searcher);
  }
  lua_pop(L, 2);
}

}  // namespace

fs::path shown(const fs::path& file) {
  const fs::path relative = file.lexically_relative(fs::current_path());
  return relative.empty() || relative.begin()->string() == ".." ? file : relative;
}

State open_state(Session& session, Wall& wall) {
  State state(luaL_newstate());
  lua_State* L = state.get();
  luaL_openlibs(L);
  make_deterministic(L, session.request.unsafe);
  set_path(L, session.script);
  bind(L, session, wall);
  return state;
}

}  // namespace facet::lua
