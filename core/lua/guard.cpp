// Bodies of the wall.
#include "lua/guard.h"

#include <filesystem>
#include <new>
#include <regex>

#include "facet/error.h"

namespace facet::lua {
namespace {

// A problem that carries its own place ("x.toml:3:5: ...") needs no other.
bool has_place(const std::string& text) {
  static const std::regex place(R"(^[^\s:][^:\n]*:\d+(:\d+)?: )");
  return std::regex_search(text, place);
}

// Runs the body; false: the error's text is on the stack. A function of its own, so that nothing with a destructor
// is alive when lua_error jumps.
bool run(lua_State* L, int (*body)(lua_State*), int* results) {
  std::string text;
  std::exception_ptr thrown;
  try {
    *results = body(L);
    return true;
  } catch (const UserError& e) {
    const Origin place = place_of(L, 1);
    std::vector<std::string> problems = e.problems();
    for (std::string& problem : problems)
      if (!has_place(problem) && !place.file.empty()) problem = place.text() + ": " + problem;
    const UserError placed(problems);
    text = placed.what();
    thrown = std::make_exception_ptr(placed);
  } catch (const std::exception& e) {
    text = e.what();
    thrown = std::current_exception();
  }
  wall(L).pending = thrown;
  wall(L).text = text;
  lua_pushlstring(L, text.data(), text.size());
  return false;
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
