// Bodies of the wall.
#include "lua/guard.h"

#include <filesystem>
#include <map>
#include <new>
#include <regex>

#include "facet/error.h"

namespace facet::lua {
namespace {

constexpr char kTraceback[] = "stack traceback:";

// A problem that carries its own place ("x.toml:3:5: ...") needs no other.
bool has_place(const std::string& text) {
  static const std::regex place(R"(^[^\s:][^:\n]*:\d+(:\d+)?: )");
  return std::regex_search(text, place);
}

bool is_traceback(const std::string& problem) { return problem.starts_with(kTraceback); }

// Runs the body; false: the error's text is on the stack. A function of its own, so that nothing
// with a destructor is alive when lua_error jumps.
bool run(lua_State* L, int (*body)(lua_State*), int* results) {
  std::string text;
  std::exception_ptr thrown;
  try {
    if (wall(L).ended) std::rethrow_exception(wall(L).ended);
    *results = body(L);
    return true;
  } catch (const UserError& e) {
    const Origin place = place_of(L, 1);
    std::vector<std::string> problems = e.problems();
    for (std::string& problem : problems)
      if (!has_place(problem) && !is_traceback(problem) && !place.file.empty())
        problem = place.text() + ": " + problem;
    const UserError placed(problems);
    text = placed.what();
    thrown = std::make_exception_ptr(placed);
  } catch (const std::exception& e) {
    text = e.what();
    thrown = std::current_exception();
    wall(L).ended = thrown;
  }
  wall(L).pending = thrown;
  wall(L).text = text;
  lua_pushlstring(L, text.data(), text.size());
  return false;
}

// What error was called with, as text; something else than text is said with its place.
void push_text(lua_State* L) {
  if (lua_tostring(L, 1)) {
    lua_pushvalue(L, 1);
    return;
  }
  if (luaL_callmeta(L, 1, "__tostring") && lua_tostring(L, -1)) return;
  lua_Debug info;
  for (int level = 1; lua_getstack(L, level, &info); ++level) {
    lua_getinfo(L, "Sl", &info);
    if (info.currentline <= 0) continue;
    lua_pushfstring(L, "%s:%d: error: called with a %s, should be called with text", info.short_src,
                    info.currentline, luaL_typename(L, 1));
    return;
  }
  lua_pushfstring(L, "error: called with a %s, should be called with text", luaL_typename(L, 1));
}

// The traceback is made where the error is raised.
int with_traceback(lua_State* L) {
  push_text(L);
  luaL_traceback(L, L, lua_tostring(L, -1), 1);
  return 1;
}

}  // namespace

Wall& wall(lua_State* L) {
  lua_getfield(L, LUA_REGISTRYINDEX, "facet.wall");
  auto* wall = static_cast<Wall*>(lua_touserdata(L, -1));
  lua_pop(L, 1);
  return *wall;
}

int guarded(lua_State* L, int (*body)(lua_State*)) {
  int results = 0;
  if (run(L, body, &results)) return results;
  return lua_error(L);
}

void call(lua_State* L, int arguments, int results) {
  const int handler = lua_gettop(L) - arguments;
  lua_pushcfunction(L, with_traceback);
  lua_insert(L, handler);
  const bool fine = lua_pcall(L, arguments, results, handler) == LUA_OK;
  lua_remove(L, handler);
  const Wall& raised = wall(L);
  if (fine) return;
  const char* said = lua_tostring(L, -1);
  const std::string text = said ? said : "lua: out of memory, or an error within an error";
  lua_pop(L, 1);
  if (raised.ended) std::rethrow_exception(raised.ended);
  const size_t cut = text.rfind(std::string("\n") + kTraceback);
  std::vector<std::string> problems = {text.substr(0, cut)};
  if (raised.pending && raised.text == problems[0]) {
    try {
      std::rethrow_exception(raised.pending);
    } catch (const UserError& e) {
      problems = e.problems();
    }
  }
  if (cut != std::string::npos && !is_traceback(problems.back()))
    problems.push_back(text.substr(cut + 1));
  throw UserError(problems);
}

std::string described(lua_State* L, int index) {
  switch (lua_type(L, index)) {
    case LUA_TSTRING:
      return std::string("string \"") + lua_tostring(L, index) + "\"";
    case LUA_TNUMBER:
      lua_pushvalue(L, index);
      break;
    case LUA_TBOOLEAN:
      return lua_toboolean(L, index) ? "bool true" : "bool false";
    case LUA_TUSERDATA:
      if (luaL_getmetafield(L, index, "__name") == LUA_TNIL) return "a userdata";
      break;
    default:
      return std::string("a ") + luaL_typename(L, index);
  }
  const std::string text = lua_tostring(L, -1);
  lua_pop(L, 1);
  if (lua_type(L, index) == LUA_TNUMBER) return "number " + text;
  if (text == "run") return "the run itself";
  return "a handle from " + maker_of(text);
}

std::string maker_of(const std::string& name) {
  static const std::map<std::string, std::string> others = {{"codes", "run:encode"},
                                                            {"block", "rows:take or host:read"},
                                                            {"block_codes", "sae:encode"},
                                                            {"matrix", "sae:encode"},
                                                            {"bound", "sae:bind"}};
  const auto found = others.find(name);
  return found == others.end() ? "run:" + name : found->second;
}

Origin place_of(lua_State* L, int level) {
  lua_Debug info;
  if (!lua_getstack(L, level, &info)) return {};
  lua_getinfo(L, "Sl", &info);
  if (info.currentline <= 0) return {};
  Origin origin{info.source[0] == '@' ? info.source + 1 : info.short_src, info.currentline, 0, ""};
  origin.folder = std::filesystem::absolute(origin.file).parent_path().string();
  return origin;
}

}  // namespace facet::lua
