// The commands around runs: run, check, runs, repl.
#include "cli/command_groups.h"

namespace facet::cli {

void add_run_commands(CommandLine& line) {
  RunRequest& request = line.request;
  CLI::App* run_app = add_command(line, "run", "Run a manifest (x.toml) or a script (x.lua)",
                                  "facet run experiments/quickstart.toml --set sae.k=8",
                                  [&line] { return run(line.request, line.plugin_paths); });
  run_app->add_option("FILE", request.file, "MANIFEST.toml or SCRIPT.lua")->required();
  repeatable(
      run_app->add_option("--set", request.sets,
                          "KEY=VALUE laid over the manifest, for instance sae.k=64 (repeatable)"));
  run_app
      ->add_option("--stop-after", request.stop_after,
                   "Stop after so many training steps, with a checkpoint and exit code 75")
      ->check(from_one());
  run_app->add_flag("--unsafe", request.unsafe, "Give scripts os.getenv, io.popen and os.execute");
  run_app->add_flag("--quiet", request.quiet, "Say nothing but warnings and errors");

  CLI::App* check_app =
      add_command(line, "check", "Validate a manifest, a script or a plugin without running it",
                  "facet check experiments/quickstart.toml",
                  [&line] { return check(line.request, line.plugin_paths); });
  check_app->add_option("FILE", request.file, "MANIFEST.toml, SCRIPT.lua or PLUGIN.so")->required();
  repeatable(check_app->add_option("--set", request.sets,
                                   "KEY=VALUE laid over the manifest (repeatable)"));

  add_command(line, "runs", "List the runs with their status and figures",
              "facet runs --runs /data/runs", [&line] { return runs(line.request); });
  CLI::App* repl_app =
      add_command(line, "repl", "Type Lua line by line, with facet loaded", "facet repl",
                  [&line] { return repl(line.request, line.plugin_paths); });
  repl_app->add_flag("--unsafe", request.unsafe, "Give Lua os.getenv, io.popen and os.execute");
  repl_app->add_flag("--quiet", request.quiet, "Say nothing but results, warnings and errors");
}

}  // namespace facet::cli
