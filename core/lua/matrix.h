// Numbers that are too many for a Lua table, looked at row by row.
#pragma once

#include <lua.hpp>

#include "facet/rows.h"

namespace facet::lua {

struct Matrix {
  Tensor values;  ///< [rows, columns] float32, CPU
};

/// A list of the numbers of a tensor [n].
void push_numbers(lua_State* L, const Tensor& values);

}  // namespace facet::lua
