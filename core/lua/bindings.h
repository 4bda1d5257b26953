// `require "facet"`: the module, the run and its verbs, the handles.
#pragma once

#include <lua.hpp>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "lua/guard.h"
#include "run/experiment.h"

namespace facet::lua {

/// What a script runs in. Outlives the Lua state.
struct Session {
  Kernel& kernel;
  const RunRequest& request;
  Value manifest;
  std::filesystem::path script;
  std::unique_ptr<Experiment> run;
};

/// Makes the module known to `require`; `session` and `wall` are referred to.
void bind(lua_State* L, Session& session, Wall& wall);

/// The fields of the run or the handle at `index`: what may follow its dot. Empty for anything
/// else.
std::vector<std::string> fields_at(lua_State* L, int index);
/// The same of a colon: the verbs of the run, the methods of a handle.
std::vector<std::string> methods_at(lua_State* L, int index);

}  // namespace facet::lua
