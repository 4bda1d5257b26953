// Methods that make blocks, and those that look into blocks, codes and matrices.
#include "facet/torch.h"

#include "lua/matrix.h"
#include "lua/methods.h"
#include "lua/values.h"
#include "run/block_codes.h"

namespace facet::lua {
namespace {

struct ReadOptions {
  std::string text;
  Value hookpoints;
};

Schema<ReadOptions> read_schema() {
  return Schema<ReadOptions>()
      .field("text", &ReadOptions::text, "What is read.", required)
      .field("hookpoints", &ReadOptions::hookpoints, "Where, as in [activations].", required);
}

int host_read(lua_State* L) {
  const MethodCall call(L, "host:read { text = ..., hookpoints = ... }", 1);
  auto host = call.self<HostHandle>();
  const ReadOptions options = read_schema().parse("host:read", call.table(1, "keys"));
  push_handle(L, std::make_shared<Block>(read_text(host, options.text, options.hookpoints)));
  return 1;
}

int rows_take(lua_State* L) {
  const MethodCall call(L, "rows:take(n)", 1);
  const auto rows = call.self<RowsHandle>();
  push_handle(L, std::make_shared<Block>(take_rows(*rows, call.integer(1, "n"))));
  return 1;
}

// [d], a hookpoint's numbers.
int block_row(lua_State* L) {
  const MethodCall call(L, "block:row(row, point)", 2);
  const auto block = call.self<Block>();
  const int64_t row = call.row(1, block->rows.size()), points = block->rows.x.size(1);
  const int64_t point = lua_isnoneornil(L, 3) ? 1 : call.integer(2, "point");
  if (point < 1 || point > points)
    throw UserError("block:row: point: is " + std::to_string(point) + ", should be 1 .. " +
                    std::to_string(points));
  push_numbers(L, block->rows.x[row][point - 1]);
  return 1;
}

int block_distance(lua_State* L) {
  const MethodCall call(L, "block:distance(other)", 1);
  const auto block = call.self<Block>();
  push_numbers(L, distances(*block, *call.handle<Block>(1, "other")));
  return 1;
}

int codes_row(lua_State* L) {
  const MethodCall call(L, "codes:row(row)", 1);
  const auto codes = call.self<BlockCodes>();
  Value::Array out;
  for (const auto& [latent, value] : codes->row(call.row(1, codes->codes.rows())))
    out.emplace_back(Value::Table{{"latent", latent}, {"value", value}});
  push_value(L, out);
  return 1;
}

int codes_top(lua_State* L) {
  const MethodCall call(L, "codes:top(n)", 1);
  const auto codes = call.self<BlockCodes>();
  Value::Array out;
  for (const BlockCodes::Top& one : codes->top(call.integer(1, "n")))
    out.emplace_back(
        Value::Table{{"latent", one.latent}, {"row", one.row + 1}, {"value", one.value}});
  push_value(L, out);
  return 1;
}

int codes_values(lua_State* L) {
  const MethodCall call(L, "codes:values(latent)", 1);
  const auto codes = call.self<BlockCodes>();
  push_numbers(L, codes->values(call.integer(1, "latent")));
  return 1;
}

int codes_edited(lua_State* L) {
  const MethodCall call(L, "codes:edited { { latent = 12, set = 4.0 } }", 1);
  const auto codes = call.self<BlockCodes>();
  const auto edits =
      latent_edits(call.table(1, "edits"), codes->codes.d_sae, "codes:edited: edits");
  for (const LatentEdit& edit : edits)
    if (edit.kind == LatentEditKind::add_direction)
      throw UserError("codes:edited: edits: add_direction changes rows, not codes; should be add");
  push_handle(L, std::make_shared<BlockCodes>(codes->edited(edits)));
  return 1;
}

int matrix_row(lua_State* L) {
  const MethodCall call(L, "matrix:row(row)", 1);
  const auto matrix = call.self<Matrix>();
  push_numbers(L, matrix->values[call.row(1, matrix->values.size(0))]);
  return 1;
}

int matrix_get(lua_State* L) {
  const MethodCall call(L, "matrix:get(row, latent)", 2);
  const auto matrix = call.self<Matrix>();
  const int64_t row = call.row(1, matrix->values.size(0)), latent = call.integer(2, "latent");
  check_latent(latent, matrix->values.size(1), "matrix:get");
  lua_pushnumber(L, matrix->values[row][latent].item<double>());
  return 1;
}

}  // namespace

void push_numbers(lua_State* L, const Tensor& values) {
  const Tensor wide = values.detach().to(torch::kCPU, torch::kFloat64).contiguous();
  const double* numbers = wide.const_data_ptr<double>();
  lua_createtable(L, static_cast<int>(wide.numel()), 0);
  for (int64_t i = 0; i < wide.numel(); ++i) {
    lua_pushnumber(L, numbers[i]);
    lua_rawseti(L, -2, i + 1);
  }
}

std::vector<luaL_Reg> host_methods() { return {{"read", guard<host_read>}}; }
std::vector<luaL_Reg> rows_methods() { return {{"take", guard<rows_take>}}; }
std::vector<luaL_Reg> block_methods() {
  return {{"row", guard<block_row>}, {"distance", guard<block_distance>}};
}
std::vector<luaL_Reg> block_codes_methods() {
  return {{"row", guard<codes_row>},
          {"top", guard<codes_top>},
          {"values", guard<codes_values>},
          {"edited", guard<codes_edited>}};
}
std::vector<luaL_Reg> matrix_methods() {
  return {{"row", guard<matrix_row>}, {"get", guard<matrix_get>}};
}

}  // namespace facet::lua
