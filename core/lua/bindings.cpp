// Bodies of the bindings: each verb takes one table, apart into handles, callbacks and plain values.
#include "lua/bindings.h"

#include <algorithm>
#include <set>

#include "host/hookpoints.h"
#include "lua/values.h"

namespace facet::lua {
namespace {

constexpr char kRun[] = "run";

Session& session_of(lua_State* L) {
  lua_getfield(L, LUA_REGISTRYINDEX, "facet.session");
  auto* session = static_cast<Session*>(lua_touserdata(L, -1));
  lua_pop(L, 1);
  return *session;
}

// The one table of a verb: run:verb { ... } has it at 2.
class Arguments {
 public:
  Arguments(lua_State* L, std::string verb) : L_(L), verb_(std::move(verb)), origin_(place_of(L, 1)) {
    if (lua_gettop(L) > 2) throw UserError("run:" + verb_ + ": " + std::to_string(lua_gettop(L) - 1) + " arguments, should be one table");
    if (!lua_isnoneornil(L, 2) && !lua_istable(L, 2))
      throw UserError("run:" + verb_ + ": " + luaL_typename(L, 2) + ", should be one table: run:" + verb_ + " { ... }");
  }

  /// The handle under `key`, or nullptr; UserError when something else stands there.
  template <class T>
  std::shared_ptr<T> take(const char* key) {
    taken_.push_back(key);
    if (!push(key)) return nullptr;
    auto handle = handle_at<T>(L_, -1);
    const std::string is = luaL_tolstring(L_, -1, nullptr);
    lua_pop(L_, 2);
    if (!handle) throw UserError(verb_ + "." + key + ": is " + is + ", should be a handle of run:" + handle_name<T>());
    return handle;
  }
  /// The handle under `key` when it is of this kind.
  template <class T>
  std::shared_ptr<T> try_take(const char* key) {
    if (!push(key)) return nullptr;
    auto handle = handle_at<T>(L_, -1);
    lua_pop(L_, 1);
    if (handle) taken_.push_back(key);
    return handle;
  }
  /// A reference to the function under `key`, or LUA_NOREF.
  int take_function(const char* key) {
    taken_.push_back(key);
    if (!push(key)) return LUA_NOREF;
    if (!lua_isfunction(L_, -1)) {
      const std::string type = luaL_typename(L_, -1);
      lua_pop(L_, 1);
      throw UserError(verb_ + "." + key + ": is a " + type + ", should be a function");
    }
    return luaL_ref(L_, LUA_REGISTRYINDEX);
  }
  bool is_function(const char* key) {
    if (!push(key)) return false;
    const bool result = lua_isfunction(L_, -1);
    lua_pop(L_, 1);
    return result;
  }
  /// What is left, as a table with the call's line as origin.
  Value rest() const {
    if (!lua_istable(L_, 2)) {
      Value none{Value::Table()};
      none.origin = origin_;
      return none;
    }
    Value table = to_value(L_, 2, origin_, taken_);
    if (!table.is<Value::Table>()) throw UserError("run:" + verb_ + ": a list, should be a table of named fields");
    return table;
  }
  const Origin& origin() const { return origin_; }

 private:
  bool push(const char* key) {
    if (!lua_istable(L_, 2)) return false;
    lua_getfield(L_, 2, key);
    if (!lua_isnil(L_, -1)) return true;
    lua_pop(L_, 1);
    return false;
  }

  lua_State* L_;
  std::string verb_;
  Origin origin_;
  std::vector<std::string> taken_;
};

// Calls the function and arguments on the stack; an error becomes a UserError, since C++ objects are alive here.
void call_lua(lua_State* L, int arguments, int results) {
  if (lua_pcall(L, arguments, results, 0) == LUA_OK) return;
  size_t size = 0;
  const char* text = luaL_tolstring(L, -1, &size);
  const std::string message(text, size);
  lua_pop(L, 2);
  Wall& w = wall(L);
  if (w.pending && w.text == message) std::rethrow_exception(w.pending);
  throw UserError(message);
}

Experiment& run_of(lua_State* L) {
  luaL_checkudata(L, 1, kRun);
  return *session_of(L).run;
}

int verb_host(lua_State* L) {
  Arguments arguments(L, "host");
  push_handle(L, run_of(L).host(arguments.rest()));
  return 1;
}

int verb_data(lua_State* L) {
  Arguments arguments(L, "data");
  push_handle(L, run_of(L).data(arguments.rest()));
  return 1;
}

// hookpoints = function(name, info) ... end: asked once for each point, in the order of their names.
Value chosen_points(lua_State* L, int function, const HostInfo& info, const Origin& origin) {
  std::vector<HookPoint> points = info.points;
  std::sort(points.begin(), points.end(), [](const HookPoint& a, const HookPoint& b) { return a.name < b.name; });
  Value::Array chosen;
  for (const HookPoint& point : points) {
    lua_rawgeti(L, LUA_REGISTRYINDEX, function);
    push_value(L, point.name);
    Value about(Value::Table{{"width", point.width}, {"alias", point.alias}, {"block", point.block}});
    push_value(L, about);
    call_lua(L, 2, 1);
    if (lua_toboolean(L, -1)) {
      chosen.emplace_back(point.name);
      chosen.back().origin = origin;
    }
    lua_pop(L, 1);
  }
  Value out(std::move(chosen));
  out.origin = origin;
  if (out.as<Value::Array>()->empty()) throw UserError(origin.text() + ": activations.hookpoints: the function chose none of " + std::to_string(points.size()) + " hookpoints");
  return out;
}

int verb_activations(lua_State* L) {
  Arguments arguments(L, "activations");
  auto host = arguments.take<HostHandle>("host");
  auto data = arguments.take<DataHandle>("data");
  const bool by_function = arguments.is_function("hookpoints");
  const int function = by_function ? arguments.take_function("hookpoints") : LUA_NOREF;
  Value given = arguments.rest();
  if (by_function) {
    if (!host) throw UserError("activations.host: required, a handle from run:host");
    given.set("hookpoints", chosen_points(L, function, host->host->info(), arguments.origin()));
    luaL_unref(L, LUA_REGISTRYINDEX, function);
  }
  push_handle(L, run_of(L).activations(given, host, data));
  return 1;
}

int verb_sae(lua_State* L) {
  Arguments arguments(L, "sae");
  auto on = arguments.take<RowsHandle>("on");
  push_handle(L, run_of(L).sae(arguments.rest(), on));
  return 1;
}

// on_step(m, state): m is a plain table; state is written back after each call. nil counts as true.
OnStep on_step_of(lua_State* L, int function) {
  if (function == LUA_NOREF) return nullptr;
  return [L, function](const StepMetrics& m, Value& state) {
    Value table(Value::Table{{"step", m.step}, {"rows", m.rows}, {"loss", m.loss}, {"l0", m.l0}, {"dead", m.dead}, {"lr", m.lr}});
    for (const auto& [name, value] : m.losses) table.set(name, value);
    push_value(L, state);
    lua_rawgeti(L, LUA_REGISTRYINDEX, function);
    push_value(L, table);
    lua_pushvalue(L, -3);
    call_lua(L, 2, 1);
    const bool go_on = lua_isnil(L, -1) || lua_toboolean(L, -1);
    state = to_value(L, -2, {});
    lua_pop(L, 2);
    return go_on;
  };
}

int verb_train(lua_State* L) {
  Arguments arguments(L, "train");
  auto sae = arguments.take<SaeHandle>("sae");
  auto on = arguments.take<RowsHandle>("on");
  const int on_step = arguments.take_function("on_step");
  push_value(L, run_of(L).train(arguments.rest(), sae, on, on_step_of(L, on_step)));
  return 1;
}

int verb_encode(lua_State* L) {
  Arguments arguments(L, "encode");
  auto sae = arguments.take<SaeHandle>("sae");
  auto on = arguments.take<RowsHandle>("on");
  push_handle(L, run_of(L).encode(arguments.rest(), sae, on));
  return 1;
}

AnalysisInputs inputs_of(Arguments& arguments) {
  AnalysisInputs inputs;
  inputs.codes = arguments.try_take<CodesHandle>("on");
  if (!inputs.codes) inputs.rows = arguments.take<RowsHandle>("on");
  inputs.sae = arguments.take<SaeHandle>("sae");
  inputs.host = arguments.take<HostHandle>("host");
  inputs.data = arguments.take<DataHandle>("data");
  return inputs;
}

int verb_analyze(lua_State* L) {
  Arguments arguments(L, "analyze");
  const AnalysisInputs inputs = inputs_of(arguments);
  push_value(L, run_of(L).analyze(arguments.rest(), inputs));
  return 1;
}

int verb_analyze_all(lua_State* L) {
  Arguments arguments(L, "analyze_all");
  const AnalysisInputs inputs = inputs_of(arguments);
  push_value(L, run_of(L).analyze_all(arguments.rest(), inputs));
  return 1;
}

const luaL_Reg kVerbs[] = {{"host", guard<verb_host>},
                           {"data", guard<verb_data>},
                           {"activations", guard<verb_activations>},
                           {"sae", guard<verb_sae>},
                           {"train", guard<verb_train>},
                           {"encode", guard<verb_encode>},
                           {"analyze", guard<verb_analyze>},
                           {"analyze_all", guard<verb_analyze_all>},
                           {nullptr, nullptr}};

// A field that is not there is an error with the nearest name, never a silent nil.
[[noreturn]] void no_field(const char* kind, const std::string& name, const std::vector<std::string>& names) {
  throw UserError(std::string(kind) + "." + name + ": no such field" + did_you_mean(name, names));
}

int run_index(lua_State* L) {
  const std::string name = luaL_checkstring(L, 2);
  Experiment& run = run_of(L);
  std::vector<std::string> names = {"id", "folder", "seed"};
  for (const luaL_Reg* verb = kVerbs; verb->name; ++verb) {
    names.emplace_back(verb->name);
    if (name != verb->name) continue;
    lua_pushcfunction(L, verb->func);
    return 1;
  }
  if (name == "id") push_value(L, run.id());
  else if (name == "folder") push_value(L, run.folder().string());
  else if (name == "seed") push_value(L, static_cast<int64_t>(run.seed()));
  else no_field("run", name, names);
  return 1;
}

Value strings(const std::vector<std::string>& words) { return Value::Array(words.begin(), words.end()); }

std::vector<std::string> names_of(const Value& table) {
  std::vector<std::string> names;
  for (const auto& [name, value] : *table.as<Value::Table>()) names.push_back(name);
  return names;
}

Value fields_of(const HostHandle& host) {
  const HostInfo& info = host.host->info();
  std::vector<std::string> points;
  for (const HookPoint& point : info.points) points.push_back(point.name);
  return Value(Value::Table{{"type", host.type}, {"layers", info.layers}, {"d_model", info.d_model}, {"vocabulary", info.vocabulary},
                            {"context", info.context}, {"hookpoints", strings(points)}});
}
Value fields_of(const RowsHandle& rows) {
  const Shape shape = rows.stream->shape();
  return Value(Value::Table{{"d_in", shape.d_in}, {"points", shape.points_in}, {"hookpoints", strings(rows.stream->points())}});
}
Value fields_of(const SaeHandle& sae) {
  return Value(Value::Table{{"type", sae.record.type}, {"d_sae", sae.sae->d_sae()}, {"d_in", sae.record.shape.d_in},
                            {"folder", sae.folder.string()}});
}
Value fields_of(const CodesHandle& codes) {
  return Value(Value::Table{{"rows", codes.codes->rows()}, {"d_sae", codes.codes->d_sae()}, {"key", codes.key}});
}

template <class T>
int handle_index(lua_State* L) {
  const auto handle = handle_at<T>(L, 1);
  const std::string name = luaL_checkstring(L, 2);
  const Value fields = fields_of(*handle);
  const Value* field = fields.find(name);
  if (!field) no_field(handle_name<T>(), name, names_of(fields));
  push_value(L, *field);
  return 1;
}

// data.train and data.eval are data handles themselves.
int data_index(lua_State* L) {
  const auto handle = handle_at<DataHandle>(L, 1);
  const std::string name = luaL_checkstring(L, 2);
  if (name != "train" && name != "eval") no_field("data", name, {"train", "eval"});
  auto part = std::make_shared<DataHandle>(*handle);
  part->data = std::make_shared<Dataset>(handle->data->part(name == "train" ? DataShare::train : DataShare::eval));
  part->key = part->data->key();
  push_handle(L, part);
  return 1;
}

template <class T>
void add_handle(lua_State* L, lua_CFunction index) {
  luaL_newmetatable(L, handle_name<T>());
  lua_pushcfunction(L, collect_handle<T>);
  lua_setfield(L, -2, "__gc");
  lua_pushcfunction(L, index);
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);
}

// facet.run { name = ..., seed = ... }: opens the run; a script has one.
int open_run(lua_State* L) {
  Session& session = session_of(L);
  if (session.run) throw UserError("facet.run: this script has a run already");
  const Origin origin = place_of(L, 1);
  Value top{Value::Table()};
  if (!lua_isnoneornil(L, 1)) top = to_value(L, 1, origin);
  if (!top.is<Value::Table>()) throw UserError("facet.run: " + top.describe() + ", should be one table: facet.run { name = ... }");
  session.run = std::make_unique<Experiment>(session.kernel, session.request, session.manifest, session.script, top);
  seed_random(L, session.run->seed());
  lua_newuserdatauv(L, 1, 0);
  luaL_setmetatable(L, kRun);
  return 1;
}

int open_module(lua_State* L) {
  lua_createtable(L, 0, 2);
  lua_pushcfunction(L, guard<open_run>);
  lua_setfield(L, -2, "run");
  lua_pushliteral(L, FACET_VERSION);
  lua_setfield(L, -2, "version");
  return 1;
}

}  // namespace

void bind(lua_State* L, Session& session, Wall& wall) {
  lua_pushlightuserdata(L, &session);
  lua_setfield(L, LUA_REGISTRYINDEX, "facet.session");
  lua_pushlightuserdata(L, &wall);
  lua_setfield(L, LUA_REGISTRYINDEX, "facet.wall");
  luaL_newmetatable(L, kRun);
  lua_pushcfunction(L, guard<run_index>);
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);
  add_handle<HostHandle>(L, guard<handle_index<HostHandle>>);
  add_handle<DataHandle>(L, guard<data_index>);
  add_handle<RowsHandle>(L, guard<handle_index<RowsHandle>>);
  add_handle<SaeHandle>(L, guard<handle_index<SaeHandle>>);
  add_handle<CodesHandle>(L, guard<handle_index<CodesHandle>>);
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
  lua_pushcfunction(L, open_module);
  lua_setfield(L, -2, "facet");
  lua_pop(L, 1);
}

}  // namespace facet::lua
