// Bodies of the handles' fields.
#include "lua/handle_fields.h"

#include "facet/torch.h"

#include "lua/guard.h"
#include "lua/matrix.h"
#include "lua/methods.h"
#include "lua/values.h"
#include "run/block_codes.h"
#include "run/bound_sae.h"

namespace facet::lua {
namespace {

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
  return Value(Value::Table{{"name", rows.name},
                            {"d_in", shape.d_in},
                            {"points", shape.points_in},
                            {"hookpoints", strings(rows.stream->points())},
                            {"target", strings(rows.stream->target().points)}});
}
Value fields_of(const SaeHandle& sae) {
  return Value(Value::Table{{"name", sae.name},
                            {"type", sae.record.type},
                            {"d_sae", sae.sae->d_sae()},
                            {"d_in", sae.record.shape.d_in},
                            {"stream", sae.rows ? sae.rows->name : ""},
                            {"folder", sae.folder.string()}});
}
Value fields_of(const CodesHandle& codes) {
  return Value(Value::Table{
      {"rows", codes.codes->rows()}, {"d_sae", codes.codes->d_sae()}, {"key", codes.key}});
}
Value fields_of(const Block& block) {
  return Value(Value::Table{{"n", block.rows.size()},
                            {"points", block.rows.x.size(1)},
                            {"d", block.rows.x.size(2)},
                            {"hookpoints", strings(block.hookpoints)},
                            {"tokens", strings(block.tokens())}});
}
Value fields_of(const BlockCodes& codes) {
  const int64_t rows = codes.codes.rows();
  return Value(
      Value::Table{{"rows", rows},
                   {"d_sae", codes.codes.d_sae},
                   {"l0", static_cast<double>(codes.codes.value.gt(0).sum().item<int64_t>()) /
                              static_cast<double>(rows)}});
}
Value fields_of(const Matrix& matrix) {
  return Value(Value::Table{{"rows", matrix.values.size(0)}, {"columns", matrix.values.size(1)}});
}
Value fields_of(const BoundSae& bound) {
  return Value(Value::Table{{"hookpoints", strings(bound.points())}});
}

template <class T>
int handle_index(lua_State* L) {
  const std::string name = field_name(L, handle_name<T>());
  const auto handle = handle_at<T>(L, 1);
  const std::vector<luaL_Reg>& methods = methods_of(handle_name<T>());
  for (const luaL_Reg& method : methods) {
    if (name != method.name) continue;
    lua_pushcfunction(L, method.func);
    return 1;
  }
  const Value fields = fields_of(*handle);
  const Value* field = fields.find(name);
  if (!field) {
    std::vector<std::string> names = names_of(fields);
    for (const luaL_Reg& method : methods) names.emplace_back(method.name);
    no_field(handle_name<T>(), name, names);
  }
  push_value(L, *field);
  return 1;
}

// data.train and data.eval are data handles themselves.
int data_index(lua_State* L) {
  const std::string name = field_name(L, "data");
  const auto handle = handle_at<DataHandle>(L, 1);
  if (name != "train" && name != "eval") no_field("data", name, {"train", "eval"});
  auto part = std::make_shared<DataHandle>(*handle);
  part->data = std::make_shared<Dataset>(
      handle->data->part(name == "train" ? DataShare::train : DataShare::eval));
  part->key = part->data->key();
  push_handle(L, part);
  return 1;
}

template <class T>
void add_handle(lua_State* L, lua_CFunction index) {
  add_kind(L, handle_name<T>(), index, collect_handle<T>);
}

}  // namespace

std::string field_name(lua_State* L, const char* kind) {
  if (lua_type(L, 2) != LUA_TSTRING)
    throw UserError(std::string(kind) + ": has named fields only, asked for " + described(L, 2));
  return lua_tostring(L, 2);
}

void no_field(const char* kind, const std::string& name, const std::vector<std::string>& names) {
  std::string all;
  for (const std::string& one : names) all += (all.empty() ? "" : ", ") + one;
  throw UserError(std::string(kind) + "." + name + ": no such field" + did_you_mean(name, names) +
                  ", should be one of " + all);
}

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

void add_handles(lua_State* L) {
  add_handle<HostHandle>(L, guard<handle_index<HostHandle>>);
  add_handle<DataHandle>(L, guard<data_index>);
  add_handle<RowsHandle>(L, guard<handle_index<RowsHandle>>);
  add_handle<SaeHandle>(L, guard<handle_index<SaeHandle>>);
  add_handle<CodesHandle>(L, guard<handle_index<CodesHandle>>);
  add_handle<Block>(L, guard<handle_index<Block>>);
  add_handle<BlockCodes>(L, guard<handle_index<BlockCodes>>);
  add_handle<Matrix>(L, guard<handle_index<Matrix>>);
  add_handle<BoundSae>(L, guard<handle_index<BoundSae>>);
}

}  // namespace facet::lua
