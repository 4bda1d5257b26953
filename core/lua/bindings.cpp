// Bodies of the bindings: each verb takes one table, apart into handles, callbacks and plain
// values.
#include "lua/bindings.h"

#include <algorithm>
#include <set>

#include "host/hookpoints.h"
#include "lua/values.h"

namespace facet::lua {
namespace {

constexpr char kRun[] = "run";
constexpr const char* kRunFields[] = {"id", "folder", "seed"};
constexpr const char* kDataFields[] = {"train", "eval"};

Session& session_of(lua_State* L) {
  lua_getfield(L, LUA_REGISTRYINDEX, "facet.session");
  auto* session = static_cast<Session*>(lua_touserdata(L, -1));
  lua_pop(L, 1);
  return *session;
}

// The one table of a verb: run:verb { ... } has it at 2.
class Arguments {
 public:
  Arguments(lua_State* L, std::string verb)
      : L_(L), verb_(std::move(verb)), origin_(place_of(L, 1)) {
    const std::string form = "run:" + verb_ + " { ... }";
    if (!luaL_testudata(L, 1, kRun))
      throw UserError("run." + verb_ + ": " + (lua_isnone(L, 1) ? "nothing" : described(L, 1)) +
                      " where the run should be: write " + form);
    if (lua_gettop(L) > 2)
      throw UserError("run:" + verb_ + ": " + std::to_string(lua_gettop(L) - 1) +
                      " arguments, should be one table: " + form);
    if (lua_isnoneornil(L, 2)) return;
    if (!lua_istable(L, 2))
      throw UserError("run:" + verb_ + ": " + described(L, 2) + ", should be one table: " + form);
    if (lua_rawlen(L, 2) > 0)
      throw UserError("run:" + verb_ + ": a list, should be a table with names: run:" + verb_ +
                      " { name = value }");
  }

  /// The handle under `key`, or nullptr; UserError when something else stands there. `also`: what
  /// else might.
  template <class T>
  std::shared_ptr<T> take(const char* key, const char* also = "") {
    taken_.push_back(key);
    if (!push(key)) return nullptr;
    auto handle = handle_at<T>(L_, -1);
    const std::string is = described(L_, -1);
    lua_pop(L_, 1);
    if (!handle)
      throw UserError(verb_ + "." + key + ": " + is +
                      ", should be a handle from run:" + handle_name<T>() + also);
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
      const std::string is = described(L_, -1);
      lua_pop(L_, 1);
      throw UserError(verb_ + "." + key + ": " + is + ", should be a function");
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
    return to_value(L_, 2, origin_, verb_, taken_);
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
    for (const auto& [name, value] : m.losses) table.set(name, value);
    const OtherRandom random(
        L, Rng(session_of(L).run->seed(), "lua/on_step/" + std::to_string(m.step)));
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
[[noreturn]] void no_field(const char* kind, const std::string& name,
                           const std::vector<std::string>& names) {
  std::string all;
  for (const std::string& one : names) all += (all.empty() ? "" : ", ") + one;
  throw UserError(std::string(kind) + "." + name + ": no such field" + did_you_mean(name, names) +
                  ", should be one of " + all);
}

// The name of the field that is asked for, at 2.
std::string field_name(lua_State* L, const char* kind) {
  if (lua_type(L, 2) != LUA_TSTRING)
    throw UserError(std::string(kind) + ": has named fields only, asked for " + described(L, 2));
  return lua_tostring(L, 2);
}

// Upvalue: the kind of handle.
int read_only(lua_State* L) {
  const std::string kind = lua_tostring(L, lua_upvalueindex(1));
  throw UserError(kind + "." + field_name(L, kind.c_str()) +
                  ": cannot be set; a handle is read only");
}

// No address, which would tell one run from the next.
int handle_text(lua_State* L) {
  lua_pushstring(L, described(L, 1).c_str());
  return 1;
}

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

Value strings(const std::vector<std::string>& words) {
  return Value::Array(words.begin(), words.end());
}

std::vector<std::string> names_of(const Value& table) {
  std::vector<std::string> names;
  for (const auto& [name, value] : *table.as<Value::Table>()) names.push_back(name);
  return names;
}

Value fields_of(const HostHandle& host) {
  const HostInfo& info = host.host->info();
  std::vector<std::string> points;
  for (const HookPoint& point : info.points) points.push_back(point.name);
  return Value(Value::Table{{"type", host.type},
                            {"layers", info.layers},
                            {"d_model", info.d_model},
                            {"vocabulary", info.vocabulary},
                            {"context", info.context},
                            {"hookpoints", strings(points)}});
}
Value fields_of(const RowsHandle& rows) {
  const Shape shape = rows.stream->shape();
  return Value(Value::Table{{"d_in", shape.d_in},
                            {"points", shape.points_in},
                            {"hookpoints", strings(rows.stream->points())}});
}
Value fields_of(const SaeHandle& sae) {
  return Value(Value::Table{{"type", sae.record.type},
                            {"d_sae", sae.sae->d_sae()},
                            {"d_in", sae.record.shape.d_in},
                            {"folder", sae.folder.string()}});
}
Value fields_of(const CodesHandle& codes) {
  return Value(Value::Table{
      {"rows", codes.codes->rows()}, {"d_sae", codes.codes->d_sae()}, {"key", codes.key}});
}

template <class T>
int handle_index(lua_State* L) {
  const std::string name = field_name(L, handle_name<T>());
  const auto handle = handle_at<T>(L, 1);
  const Value fields = fields_of(*handle);
  const Value* field = fields.find(name);
  if (!field) no_field(handle_name<T>(), name, names_of(fields));
  push_value(L, *field);
  return 1;
}

// data.train and data.eval are data handles themselves.
int data_index(lua_State* L) {
  const std::string name = field_name(L, "data");
  const auto handle = handle_at<DataHandle>(L, 1);
  if (name != "train" && name != "eval")
    no_field("data", name, {std::begin(kDataFields), std::end(kDataFields)});
  auto part = std::make_shared<DataHandle>(*handle);
  part->data = std::make_shared<Dataset>(
      handle->data->part(name == "train" ? DataShare::train : DataShare::eval));
  part->key = part->data->key();
  push_handle(L, part);
  return 1;
}

// The metatable of a kind, out of the script's reach.
void add_kind(lua_State* L, const char* kind, lua_CFunction index, lua_CFunction collect) {
  luaL_newmetatable(L, kind);
  lua_pushcfunction(L, index);
  lua_setfield(L, -2, "__index");
  lua_pushstring(L, kind);
  lua_pushcclosure(L, guard<read_only>, 1);
  lua_setfield(L, -2, "__newindex");
  lua_pushcfunction(L, guard<handle_text>);
  lua_setfield(L, -2, "__tostring");
  lua_pushstring(L, kind);
  lua_setfield(L, -2, "__metatable");
  if (collect) {
    lua_pushcfunction(L, collect);
    lua_setfield(L, -2, "__gc");
  }
  lua_pop(L, 1);
}

template <class T>
void add_handle(lua_State* L, lua_CFunction index) {
  add_kind(L, handle_name<T>(), index, collect_handle<T>);
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

std::vector<std::string> run_verbs() {
  std::vector<std::string> names;
  for (const luaL_Reg* verb = kVerbs; verb->name; ++verb) names.emplace_back(verb->name);
  return names;
}

std::vector<std::string> fields_at(lua_State* L, int index) {
  if (luaL_testudata(L, index, kRun)) return {std::begin(kRunFields), std::end(kRunFields)};
  if (handle_at<DataHandle>(L, index)) return {std::begin(kDataFields), std::end(kDataFields)};
  if (const auto host = handle_at<HostHandle>(L, index)) return names_of(fields_of(*host));
  if (const auto rows = handle_at<RowsHandle>(L, index)) return names_of(fields_of(*rows));
  if (const auto sae = handle_at<SaeHandle>(L, index)) return names_of(fields_of(*sae));
  if (const auto codes = handle_at<CodesHandle>(L, index)) return names_of(fields_of(*codes));
  return {};
}

}  // namespace facet::lua
