// LuaCATS classes of what a schema reads: for editors of Lua scripts.
#pragma once

#include <string>
#include <vector>

#include "facet/schema.h"

namespace facet {

/// "---@field name? type help" for each field, nested tables by the classes that follow;
/// `class_name` is the class's. All fields are optional: a manifest may set what a script leaves
/// out. Ends with an empty line.
std::string lua_class(const std::string& class_name, const std::string& about,
                      const std::vector<FieldDoc>& fields, const std::string& more = "");

}  // namespace facet
