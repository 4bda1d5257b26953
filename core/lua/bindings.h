// `require "facet"`: the module, the run and its verbs, the handles.
#pragma once

#include <lua.hpp>

#include <filesystem>
#include <memory>

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

}  // namespace facet::lua
