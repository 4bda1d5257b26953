// Codes as plain tables: a list of rows, each latent -> value, latents from 0.
#pragma once

#include <lua.hpp>

#include <string>

#include "facet/codes.h"

namespace facet::lua {

/// The table of row `row`; codes on the CPU.
void push_codes_row(lua_State* L, const Codes& codes, int64_t row);
void push_codes(lua_State* L, const Codes& codes);
/// The row at `index`, [d_sae] float32; UserError "WHERE: ..." for a key that is no latent or a
/// value that is no number.
at::Tensor codes_row_at(lua_State* L, int index, int64_t d_sae, const std::string& where);
/// The list at `index`; where is what it is called with.
Codes codes_at(lua_State* L, int index, int64_t d_sae, const std::string& where);

}  // namespace facet::lua
