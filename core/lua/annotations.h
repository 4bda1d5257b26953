// facet.lua: what `require "facet"` gives, in the annotations that lua-language-server reads.
#pragma once

#include <string>

#include "facet/plugin.h"

namespace facet {

/// The text of a meta file in LuaCATS: the module, the run's verbs with their parameters, and the
/// fields of every handle.
std::string lua_annotations(const Registry& registry);

}  // namespace facet
