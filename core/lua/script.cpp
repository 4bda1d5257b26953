// Bodies of running a script.
#include "lua/script.h"

#include <filesystem>

#include "base/files.h"
#include "lua/bindings.h"
#include "lua/guard.h"
#include "lua/state.h"
#include "run/check.h"

namespace facet {
namespace {

namespace fs = std::filesystem;

void load(lua_State* L, const fs::path& script) {
  const std::string text = read_file(script);
  if (luaL_loadbufferx(L, text.data(), text.size(), ("@" + lua::shown(script).string()).c_str(),
                       "t") != LUA_OK)
    throw UserError(std::string(lua_tostring(L, -1)));
}

}  // namespace

void check_script(const fs::path& script) {
  const lua::State state(luaL_newstate());
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

  lua::Wall wall;
  const lua::State state = lua::open_state(session, wall);
  lua_State* L = state.get();
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
