// Moves codes between tensors and tables.
#include "lua/code_tables.h"

#include <facet/torch.h>

#include "facet/error.h"
#include "lua/guard.h"

namespace facet::lua {

void push_codes_row(lua_State* L, const Codes& codes, int64_t row) {
  const int64_t begin = codes.start[row].item<int64_t>(),
                end = codes.start[row + 1].item<int64_t>();
  luaL_checkstack(L, 4, "codes");
  lua_createtable(L, 0, static_cast<int>(end - begin));
  for (int64_t i = begin; i < end; ++i) {
    lua_pushnumber(L, codes.value[i].item<double>());
    lua_rawseti(L, -2, codes.latent[i].item<int64_t>());
  }
}

void push_codes(lua_State* L, const Codes& codes) {
  const Codes here = codes.cpu();
  lua_createtable(L, static_cast<int>(here.rows()), 0);
  for (int64_t row = 0; row < here.rows(); ++row) {
    push_codes_row(L, here, row);
    lua_rawseti(L, -2, row + 1);
  }
}

Tensor codes_row_at(lua_State* L, int index, int64_t d_sae, const std::string& where) {
  if (!lua_istable(L, index))
    throw UserError(where + ": " + described(L, index) + ", should be a table, latent -> value");
  Tensor out = torch::zeros({d_sae});
  float* values = out.mutable_data_ptr<float>();
  index = lua_absindex(L, index);
  for (lua_pushnil(L); lua_next(L, index) != 0; lua_pop(L, 1)) {
    if (!lua_isinteger(L, -2) || lua_tointeger(L, -2) < 0 || lua_tointeger(L, -2) >= d_sae)
      throw UserError(where + ": " + described(L, -2) + " is no latent, should be 0 .. " +
                      std::to_string(d_sae - 1));
    if (lua_type(L, -1) != LUA_TNUMBER)
      throw UserError(where + ": latent " + std::to_string(lua_tointeger(L, -2)) + ": " +
                      described(L, -1) + ", should be a number");
    values[lua_tointeger(L, -2)] = static_cast<float>(lua_tonumber(L, -1));
  }
  return out;
}

Codes codes_at(lua_State* L, int index, int64_t d_sae, const std::string& where) {
  if (!lua_istable(L, index) || lua_rawlen(L, index) == 0)
    throw UserError(where + ": " +
                    (lua_isnone(L, index)    ? std::string("nothing")
                     : lua_istable(L, index) ? std::string("an empty table")
                                             : described(L, index)) +
                    ", should be the codes of sae:encode, a list of rows");
  std::vector<Codes> rows;
  const auto count = static_cast<lua_Integer>(lua_rawlen(L, index));
  for (lua_Integer i = 1; i <= count; ++i) {
    lua_rawgeti(L, index, i);
    const Tensor row = codes_row_at(L, -1, d_sae, where + ": row " + std::to_string(i));
    rows.push_back(Codes::of(row.unsqueeze(0)));
    lua_pop(L, 1);
  }
  return Codes::joined(rows);
}

}  // namespace facet::lua
