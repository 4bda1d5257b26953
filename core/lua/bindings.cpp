// Bodies of the bindings: the verbs of a run, the run itself and the module.
#include "lua/bindings.h"

#include <algorithm>

#include "host/hookpoints.h"
#include "lua/arguments.h"
#include "lua/handle_fields.h"
#include "lua/handle_kinds.h"
#include "lua/values.h"

namespace facet::lua {
namespace {

constexpr const char* kRunFields[] = {"id", "folder", "seed"};

Session& session_of(lua_State* L) {
  lua_getfield(L, LUA_REGISTRYINDEX, "facet.session");
  auto* session = static_cast<Session*>(lua_touserdata(L, -1));
  lua_pop(L, 1);
  return *session;
}

Experiment& run_of(lua_State* L) { return *session_of(L).run; }

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

// hookpoints = function(name, info) ... end: asked once for each point, in the order of their
// names.
Value chosen_points(lua_State* L, int function, const HostInfo& info, const Origin& origin) {
  std::vector<HookPoint> points = info.points;
  std::sort(points.begin(), points.end(),
            [](const HookPoint& a, const HookPoint& b) { return a.name < b.name; });
  Value::Array chosen;
  for (const HookPoint& point : points) {
    lua_rawgeti(L, LUA_REGISTRYINDEX, function);
    push_value(L, point.name);
    Value about(
        Value::Table{{"width", point.width}, {"alias", point.alias}, {"block", point.block}});
    push_value(L, about);
    call(L, 2, 1);
    if (lua_toboolean(L, -1)) {
      chosen.emplace_back(point.name);
      chosen.back().origin = origin;
    }
    lua_pop(L, 1);
  }
  Value out(std::move(chosen));
  out.origin = origin;
  if (out.as<Value::Array>()->empty())
    throw UserError(origin.text() + ": activations.hookpoints: the function chose none of " +
                    std::to_string(points.size()) + " hookpoints");
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

template <class T>
void push_list(lua_State* L, const std::vector<std::shared_ptr<T>>& all) {
  lua_createtable(L, static_cast<int>(all.size()), 0);
  for (size_t i = 0; i < all.size(); ++i) {
    push_handle(L, all[i]);
    lua_rawseti(L, -2, static_cast<lua_Integer>(i + 1));
  }
}

// A list, and each under its name.
int verb_streams(lua_State* L) {
  Arguments arguments(L, "streams");
  auto host = arguments.take<HostHandle>("host");
  auto data = arguments.take<DataHandle>("data");
  const auto all = run_of(L).streams(arguments.rest(), host, data);
  push_list(L, all);
  for (const auto& rows : all) {
    push_handle(L, rows);
    lua_setfield(L, -2, rows->name.c_str());
  }
  return 1;
}

int verb_saes(lua_State* L) {
  Arguments arguments(L, "saes");
  const auto on = arguments.take_some<RowsHandle>("on");
  push_list(L, run_of(L).saes(arguments.rest(), on));
  return 1;
}

// on_step(m, state): m is a plain table; state is written back after each call. nil counts as true.
OnStep on_step_of(lua_State* L, int function) {
  if (function == LUA_NOREF) return nullptr;
  return [L, function](const StepMetrics& m, Value& state) {
    Value table(Value::Table{{"step", m.step},
                             {"rows", m.rows},
                             {"loss", m.loss},
                             {"l0", m.l0},
                             {"dead", m.dead},
                             {"lr", m.lr}});
    if (!m.sae.empty()) table.set("sae", m.sae);
    for (const auto& [name, value] : m.losses) table.set(name, value);
    if (!m.evaluated.empty()) {
      Value figures{Value::Table()};
      for (const auto& [name, value] : m.evaluated) figures.set(name, value);
      table.set("eval", std::move(figures));
    }
    const OtherRandom random(
        L, Rng(session_of(L).run->seed(),
               "lua/on_step/" + m.sae + (m.sae.empty() ? "" : "/") + std::to_string(m.step)));
    push_value(L, state);
    lua_rawgeti(L, LUA_REGISTRYINDEX, function);
    push_value(L, table);
    lua_pushvalue(L, -3);
    call(L, 2, 1);
    const bool go_on = lua_isnil(L, -1) || lua_toboolean(L, -1);
    state = to_value(L, -2, {}, "train.on_step: state");
    lua_pop(L, 2);
    return go_on;
  };
}

int verb_train(lua_State* L) {
  Arguments arguments(L, "train");
  const auto saes = arguments.take_some<SaeHandle>("sae");
  auto on = arguments.take<RowsHandle>("on");
  const auto eval_on = arguments.take_some<RowsHandle>("eval_on");
  const int on_step = arguments.take_function("on_step");
  push_value(L, run_of(L).train(arguments.rest(), saes, on, eval_on, on_step_of(L, on_step)));
  return 1;
}

int verb_baselines(lua_State* L) {
  Arguments arguments(L, "baselines");
  auto like = arguments.take<SaeHandle>("like");
  auto on = arguments.take<RowsHandle>("on");
  push_list(L, run_of(L).baselines(arguments.rest(), like, on));
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
  if (!inputs.codes) inputs.rows = arguments.take<RowsHandle>("on", " or run:encode");
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

int verb_table(lua_State* L) {
  Arguments arguments(L, "table");
  run_of(L).table(arguments.rest());
  return 0;
}

const luaL_Reg kVerbs[] = {{"host", guard<verb_host>},
                           {"data", guard<verb_data>},
                           {"activations", guard<verb_activations>},
                           {"sae", guard<verb_sae>},
                           {"streams", guard<verb_streams>},
                           {"saes", guard<verb_saes>},
                           {"train", guard<verb_train>},
                           {"baselines", guard<verb_baselines>},
                           {"encode", guard<verb_encode>},
                           {"analyze", guard<verb_analyze>},
                           {"analyze_all", guard<verb_analyze_all>},
                           {"table", guard<verb_table>},
                           {nullptr, nullptr}};

int run_index(lua_State* L) {
  const std::string name = field_name(L, kRun);
  Experiment& run = run_of(L);
  std::vector<std::string> names(std::begin(kRunFields), std::end(kRunFields));
  for (const luaL_Reg* verb = kVerbs; verb->name; ++verb) {
    names.emplace_back(verb->name);
    if (name != verb->name) continue;
    lua_pushcfunction(L, verb->func);
    return 1;
  }
  if (name == "id")
    push_value(L, run.id());
  else if (name == "folder")
    push_value(L, run.folder().string());
  else if (name == "seed")
    push_value(L, static_cast<int64_t>(run.seed()));
  else
    no_field("run", name, names);
  return 1;
}

// facet.run { name = ..., seed = ... }: opens the run; a script has one.
int open_run(lua_State* L) {
  Session& session = session_of(L);
  if (session.run) throw UserError("facet.run: this script has a run already");
  const Origin origin = place_of(L, 1);
  Value top{Value::Table()};
  if (!lua_isnoneornil(L, 1)) top = to_value(L, 1, origin, "run");
  if (!top.is<Value::Table>())
    throw UserError("facet.run: " + top.describe() +
                    ", should be one table: facet.run { name = ... }");
  session.run = std::make_unique<Experiment>(session.kernel, session.request, session.manifest,
                                             session.script, top);
  seed_random(L, session.run->seed());
  lua_newuserdatauv(L, 1, 0);
  luaL_setmetatable(L, kRun);
  return 1;
}

int module_index(lua_State* L) { no_field("facet", field_name(L, "facet"), {"run", "version"}); }

int open_module(lua_State* L) {
  lua_createtable(L, 0, 2);
  lua_pushcfunction(L, guard<open_run>);
  lua_setfield(L, -2, "run");
  lua_pushliteral(L, FACET_VERSION);
  lua_setfield(L, -2, "version");
  lua_createtable(L, 0, 1);
  lua_pushcfunction(L, guard<module_index>);
  lua_setfield(L, -2, "__index");
  lua_setmetatable(L, -2);
  return 1;
}

}  // namespace

void bind(lua_State* L, Session& session, Wall& wall) {
  lua_pushlightuserdata(L, &session);
  lua_setfield(L, LUA_REGISTRYINDEX, "facet.session");
  lua_pushlightuserdata(L, &wall);
  lua_setfield(L, LUA_REGISTRYINDEX, "facet.wall");
  add_kind(L, kRun, guard<run_index>, nullptr);
  add_handles(L);
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
  lua_pushcfunction(L, open_module);
  lua_setfield(L, -2, "facet");
  lua_pop(L, 1);
}

std::vector<std::string> fields_at(lua_State* L, int index) {
  if (luaL_testudata(L, index, kRun)) return {std::begin(kRunFields), std::end(kRunFields)};
  for (const HandleKind& kind : handle_kinds()) {
    if (!luaL_testudata(L, index, kind.name.c_str())) continue;
    std::vector<std::string> names;
    for (const auto& field : kind.fields) names.emplace_back(field.name);
    return names;
  }
  return {};
}

std::vector<std::string> methods_at(lua_State* L, int index) {
  std::vector<std::string> names;
  if (luaL_testudata(L, index, kRun)) {
    for (const luaL_Reg* verb = kVerbs; verb->name; ++verb) names.emplace_back(verb->name);
    return names;
  }
  for (const HandleKind& kind : handle_kinds())
    if (luaL_testudata(L, index, kind.name.c_str()))
      for (const HandleMethod& method : kind.methods) names.push_back(method.name);
  return names;
}

}  // namespace facet::lua
