// Bodies of the session: chunks, results, the run's script, completion.
#include "lua/repl.h"

#include <unistd.h>

#include <algorithm>
#include <ctime>
#include <regex>

#include "base/files.h"
#include "base/interrupt.h"
#include "lua/state.h"
#include "lua/values.h"
#include "schema/toml_text.h"

namespace facet {
namespace {

namespace fs = std::filesystem;

constexpr char kChunk[] = "=repl";
constexpr const char* kWords[] = {"and", "break",    "do",     "else", "elseif", "end",   "false",
                                  "for", "function", "if",     "in",   "local",  "nil",   "not",
                                  "or",  "repeat",   "return", "then", "true",   "until", "while"};

std::string now() {
  char text[32];
  const std::time_t seconds = std::time(nullptr);
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", std::gmtime(&seconds));
  return text;
}

// No two sessions have the same: it makes the id of a run that is opened in one its own.
std::string header_text() {
  char machine[256] = "";
  static_cast<void>(::gethostname(machine, sizeof machine - 1));
  return "-- Typed at the prompt of facet repl, " + now() + ", process " +
         std::to_string(::getpid()) + " on " + machine + ".\n";
}

/// The folder of the session's script, removed with it.
class SessionFolder {
 public:
  SessionFolder() {
    std::string name = (fs::temp_directory_path() / "facet-repl-XXXXXX").string();
    if (!::mkdtemp(name.data())) throw UserError(name + ": cannot make folder");
    path_ = name;
  }
  ~SessionFolder() {
    std::error_code none;
    fs::remove_all(path_, none);
  }
  SessionFolder(const SessionFolder&) = delete;
  SessionFolder& operator=(const SessionFolder&) = delete;
  fs::path script() const { return path_ / "repl.lua"; }

 private:
  fs::path path_;
};

// A name that lives in one chunk only would be gone with its line.
std::string without_local(const std::string& line) {
  static const std::regex function(R"(^\s*local\s+(function\s))");
  static const std::regex names(R"(^\s*local\s+([A-Za-z_]\w*(\s*,\s*[A-Za-z_]\w*)*\s*=[^=]))");
  return std::regex_replace(std::regex_replace(line, function, "$1"), names, "$1");
}

RunRequest typed_request(RunRequest request, const fs::path& script) {
  request.file = script;
  request.typed = true;
  return request;
}

}  // namespace

struct Repl::State {
  State(Kernel& kernel, const RunRequest& asked)
      : request(typed_request(asked, folder.script())),
        session{kernel, request, Value(Value::Table()), folder.script(), nullptr} {
    session.manifest.origin = {"repl", 0, 0, fs::current_path().string()};
    write_file(folder.script(), header);
    state = lua::open_state(session, wall);
    run_chunk("package.path = \"./?.lua\"\nfacet = require \"facet\"");
  }

  // Compiles without running; on success the function is on the stack.
  int load(const std::string& text) {
    // Line numbers of messages count the session's lines.
    const std::string placed =
        std::string(static_cast<size_t>(std::max(0, first_line - 1)), '\n') + text;
    return luaL_loadbufferx(state.get(), placed.data(), placed.size(), kChunk, "t");
  }

  void run_chunk(const std::string& text) {
    if (load(text) != LUA_OK) throw UserError(std::string(lua_tostring(state.get(), -1)));
    lua::call(state.get(), 0, 0);
  }

  std::string table_text(int index) {
    const int top = lua_gettop(state.get());
    try {
      return toml_literal(lua::to_value(state.get(), index, {}, "repl"));
    } catch (const UserError&) {
      lua_settop(state.get(), top);
      return "a table";  // with functions or handles
    }
  }

  std::string text_at(int index) {
    lua_State* L = state.get();
    if (lua_istable(L, index)) return table_text(index);
    index = lua_absindex(L, index);
    lua_getglobal(L, "tostring");
    lua_pushvalue(L, index);
    lua::call(L, 1, 1);
    const char* text = lua_tostring(L, -1);
    std::string out = text ? text : luaL_typename(L, index);
    lua_pop(L, 1);
    return out;
  }

  // The function on the stack; its values as text.
  std::string call_loaded() {
    lua_State* L = state.get();
    const int before = lua_gettop(L) - 1;
    lua::call(L, 0, LUA_MULTRET);
    std::string out;
    for (int i = before + 1; i <= lua_gettop(L); ++i)
      out += (i > before + 1 ? "\t" : "") + text_at(i);
    lua_settop(L, before);
    if (wall.ended) std::rethrow_exception(wall.ended);
    return out;
  }

  SessionFolder folder;
  const std::string header = header_text();
  RunRequest request;
  lua::Session session;
  lua::Wall wall;
  lua::State state;
  std::string under_way;  // the lines of a statement that is not complete
  std::string done;       // the lines that went well
  int lines = 0;
  int first_line = 1;  // of the statement under way
};

Repl::Repl(Kernel& kernel, const RunRequest& request)
    : state_(std::make_unique<State>(kernel, request)) {}
Repl::~Repl() = default;

void Repl::drop() {
  state_->under_way.clear();
  lua_settop(state_->state.get(), 0);
}

Repl::Reply Repl::feed(const std::string& line) {
  State& s = *state_;
  lua_State* L = s.state.get();
  ++s.lines;
  const bool begins = s.under_way.empty();
  if (begins) s.first_line = s.lines;
  const std::string text = begins ? without_local(line) : s.under_way + "\n" + line;
  if (begins && text.find_first_not_of(" \t") == std::string::npos) return {};
  const bool expression = s.load("return " + text) == LUA_OK;
  if (!expression) {
    lua_settop(L, 0);
    if (s.load(text) != LUA_OK) {
      const std::string problem = lua_tostring(L, -1);
      lua_settop(L, 0);
      if (problem.ends_with("<eof>")) {
        s.under_way = text;
        return {true, ""};
      }
      drop();
      throw UserError(problem);
    }
  }
  s.under_way.clear();
  try {
    Reply reply{false, s.call_loaded()};
    s.done += text + "\n";
    return reply;
  } catch (const UserError& e) {
    drop();
    std::vector<std::string> problems = e.problems();
    std::erase_if(problems, [](const std::string& p) { return p.starts_with("stack traceback:"); });
    throw UserError(problems);
  } catch (const Stopped&) {
    drop();
    s.wall.ended = s.wall.pending = nullptr;
    set_interrupted(false);
    throw;
  } catch (const std::exception& e) {
    if (s.session.run) s.session.run->finish(Status::failed, e.what());
    s.session.run.reset();
    throw;
  }
}

std::string Repl::finish() {
  State& s = *state_;
  if (!s.session.run) return "";
  const std::string folder = s.session.run->folder().string();
  write_file(fs::path(folder) / "script.lua", s.header + s.done);
  s.session.run->finish(Status::done, "");
  return folder;
}

std::vector<std::string> Repl::completions(const std::string& text) const {
  static const std::regex tail(R"((?:^|[^\w.:])((?:[A-Za-z_]\w*[.:])*)([A-Za-z_]\w*)?$)");
  std::smatch parts;
  if (!std::regex_search(text, parts, tail)) return {};
  const std::string path = parts[1], word = parts[2];
  if (path.empty() && word.empty()) return {};
  lua_State* L = state_->state.get();
  const int before = lua_gettop(L);
  lua_pushglobaltable(L);
  for (size_t begin = 0, end; begin < path.size(); begin = end + 1) {
    end = path.find_first_of(".:", begin);
    if (lua_istable(L, -1)) {
      lua_pushlstring(L, path.data() + begin, end - begin);
      lua_rawget(L, -2);
    } else {
      lua_pushnil(L);
    }
  }
  std::vector<std::string> names;
  const bool colon = !path.empty() && path.back() == ':';
  if (lua_istable(L, -1)) {
    for (lua_pushnil(L); lua_next(L, -2) != 0; lua_pop(L, 1))
      if (lua_type(L, -2) == LUA_TSTRING && (!colon || lua_isfunction(L, -1)))
        names.emplace_back(lua_tostring(L, -2));
  } else if (lua_isuserdata(L, -1)) {
    names = colon ? lua::methods_at(L, -1) : lua::fields_at(L, -1);
  }
  lua_settop(L, before);
  if (path.empty()) names.insert(names.end(), std::begin(kWords), std::end(kWords));
  std::erase_if(names, [&](const std::string& name) { return !name.starts_with(word); });
  std::sort(names.begin(), names.end());
  for (std::string& name : names) name = path + name;
  return names;
}

}  // namespace facet
