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

// Only Lua's own text is kept: a traceback is made where the error is raised.
int with_traceback(lua_State* L) {
  const char* text = lua_tostring(L, 1);
  luaL_traceback(L, L, text ? text : "(an error that is no text)", 1);
  return 1;
}

void load(lua_State* L, const fs::path& script) {
  const std::string text = read_file(script);
  if (luaL_loadbufferx(L, text.data(), text.size(), ("@" + script.string()).c_str(), "t") != LUA_OK)
    throw UserError(std::string(lua_tostring(L, -1)));
}

void set_path(lua_State* L, const fs::path& script) {
  std::string path = (fs::absolute(script).parent_path() / "?.lua").string();
  if (const fs::path library = lua_library(); !library.empty()) path += ";" + (library / "?.lua").string();
  lua_getglobal(L, "package");
  lua_pushlstring(L, path.data(), path.size());
  lua_setfield(L, -2, "path");
  lua_pushliteral(L, "");
  lua_setfield(L, -2, "cpath");
  lua_pop(L, 1);
}

// Calls the loaded chunk; what went wrong leaves with the type it had in C++.
void call(lua_State* L, lua::Wall& wall) {
  lua_pushcfunction(L, with_traceback);
  lua_insert(L, 1);
  if (lua_pcall(L, 0, 0, 1) == LUA_OK) return;
  const std::string text = lua_tostring(L, -1);
  const size_t cut = text.find("\nstack traceback:");
  const std::string message = text.substr(0, cut);
  if (wall.pending && wall.text == message) {
    try {
      std::rethrow_exception(wall.pending);
    } catch (const UserError& e) {
      std::vector<std::string> problems = e.problems();
      if (cut != std::string::npos) problems.push_back(text.substr(cut + 1));
      throw UserError(problems);
    }
  }
  throw UserError(text);
}

}  // namespace

fs::path lua_library() {
  std::error_code none;
  const fs::path binary = fs::read_symlink("/proc/self/exe", none);
  const fs::path installed = binary.parent_path().parent_path() / "share" / "facet" / "lua";
  return fs::exists(installed) ? installed : fs::path();
}

void check_script(const fs::path& script) {
  const State state(luaL_newstate());
  load(state.get(), script);
}

ScriptOutcome run_script(Kernel& kernel, const RunRequest& request) {
  lua::Session session{kernel, request, Value(), {}, nullptr};
  const bool is_manifest = request.file.extension() == ".toml";
  if (is_manifest) session.manifest = load_manifest(request.file);
  else session.manifest = Value(Value::Table());
  for (const std::string& set : request.sets) lay_set(session.manifest, set);
  if (is_manifest) {
    check_manifest(session.manifest, kernel.registry);
    std::string script = session.manifest.text("script");
    schema_detail::resolve_path(session.manifest.at("script"), script);
    session.script = script;
  } else {
    session.manifest.origin = {request.file.string(), 0, 0, fs::absolute(request.file).parent_path().string()};
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
    call(L, wall);
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
