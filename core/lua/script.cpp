// Bodies of running a script.
#include "lua/script.h"

#include <filesystem>

#include "base/files.h"
#include "lua/bindings.h"
#include "lua/guard.h"
#include "lua/values.h"
#include "run/check.h"

namespace facet {
namespace {

namespace fs = std::filesystem;

struct Closer {
  void operator()(lua_State* L) const { lua_close(L); }
};
using State = std::unique_ptr<lua_State, Closer>;

// The name that messages use: short where the file lies under the working folder.
fs::path shown(const fs::path& file) {
  const fs::path relative = file.lexically_relative(fs::current_path());
  return relative.empty() || relative.begin()->string() == ".." ? file : relative;
}

void load(lua_State* L, const fs::path& script) {
  const std::string text = read_file(script);
  if (luaL_loadbufferx(L, text.data(), text.size(), ("@" + shown(script).string()).c_str(), "t") !=
      LUA_OK)
    throw UserError(std::string(lua_tostring(L, -1)));
}

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

void check_script(const fs::path& script) {
  const State state(luaL_newstate());
  load(state.get(), script);
}

ScriptOutcome run_script(Kernel& kernel, const RunRequest& request) {
  lua::Session session{kernel, request, Value(), {}, nullptr};
  const bool is_manifest = request.file.extension() == ".toml";
  if (is_manifest)
    session.manifest = load_manifest(request.file);
  else
    session.manifest = Value(Value::Table());
  for (const std::string& set : request.sets) lay_set(session.manifest, set);
  if (is_manifest) {
    check_manifest(session.manifest, kernel.registry);
    std::string script = session.manifest.text("script");
    schema_detail::resolve_path(session.manifest.at("script"), script);
    session.script = script;
  } else {
    session.manifest.origin = {request.file.string(), 0, 0,
                               fs::absolute(request.file).parent_path().string()};
    check_keys(session.manifest);
    session.script = request.file;
  }

  const State state(luaL_newstate());
  lua_State* L = state.get();
  lua::Wall wall;
  luaL_openlibs(L);
  lua::make_deterministic(L, request.unsafe);
  set_path(L, session.script);
  lua::bind(L, session, wall);
  load(L, session.script);
  try {
    lua::call(L, 0, 0);
    if (wall.ended) std::rethrow_exception(wall.ended);
  } catch (const AlreadyDone& done) {
    return {done.folder, true};
  } catch (const Stopped& e) {
    if (session.run) session.run->finish(Status::stopped, e.what());
    throw;
  } catch (const std::exception& e) {
    if (session.run) session.run->finish(Status::failed, e.what());
    throw;
  }
  if (!session.run) return {};
  session.run->finish(Status::done, "");
  return {session.run->folder(), false};
}

}  // namespace facet
