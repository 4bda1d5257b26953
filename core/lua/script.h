// Runs an experiment's script from its first line to its last.
#pragma once

#include <filesystem>
#include <string>

#include "run/experiment.h"

namespace facet {

/// What came of a script.
struct ScriptOutcome {
  std::filesystem::path folder;  ///< of the run; empty when the script opened none
  bool reused = false;           ///< the run was done before
};

/// Runs request.file (a manifest's script, or a script by itself). The run's folder gets its
/// status. Throws UserError (with the script's line, and Lua's traceback as the last problem),
/// Stopped or Bug.
ScriptOutcome run_script(Kernel& kernel, const RunRequest& request);
/// Compiles a script without running it; UserError when it is no Lua.
void check_script(const std::filesystem::path& script);

}  // namespace facet
