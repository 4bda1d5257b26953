// facet run and facet check.
#include <iostream>

#include "base/interrupt.h"
#include "cli/commands.h"
#include "lua/script.h"
#include "plugin/conformance.h"
#include "run/check.h"
#include "run/estimate.h"
#include "run/manifest.h"

namespace facet::cli {
namespace {

// .toml or .lua: anything else would be refused in the words of the wrong language.
void check_extension(const std::filesystem::path& file, const std::string& should_be) {
  const std::string extension = file.extension().string();
  if (extension != ".toml" && extension != ".lua")
    throw UserError(file.string() + ": should be " + should_be);
}

// Its sections and its script; then what it needs of this machine.
void check_manifest_file(const RunRequest& request, const Kernel& kernel) {
  Value manifest = load_manifest(request.file);
  for (const std::string& set : request.sets) lay_set(manifest, set);
  check_manifest(manifest, kernel.registry);
  std::string script = manifest.text("script");
  schema_detail::resolve_path(manifest.at("script"), script);
  check_script(script);
  prepare_device(request);
  const Plan plan = plan_of(manifest, kernel.registry);
  const Machine machine = measure_machine(runs_folder(request), request.device);
  const Estimate needs = estimate(plan, machine, request.file.string());
  std::cout << describe(needs, machine);
  if (!needs.problems.empty()) throw UserError(needs.problems);
}

}  // namespace

int run(const RunRequest& request, const std::vector<std::filesystem::path>& plugin_paths) {
  check_extension(request.file, "MANIFEST.toml or SCRIPT.lua");
  Kernel kernel;
  load_kernel(kernel, plugin_paths);
  prepare_device(request);
  catch_interrupts();
  try {
    const ScriptOutcome outcome = run_script(kernel, request);
    if (outcome.folder.empty() || request.quiet) return 0;
    if (outcome.reused)
      std::cerr << outcome.folder.string()
                << ": done before, nothing to do; delete the folder to run it again\n";
    else
      std::cerr << outcome.folder.string() << ": done; read report.md there\n";
    return 0;
  } catch (const Stopped& e) {
    throw Stopped(std::string(e.what()) + "; run the same command again to go on");
  }
}

int check(const RunRequest& request, const std::vector<std::filesystem::path>& plugin_paths) {
  Kernel kernel;
  const std::string extension = request.file.extension().string();
  if (extension == ".so") {
    // The bundled parts first: a plugin that takes one of their names is refused as it would be in
    // a run.
    load_kernel(kernel, plugin_paths);
    const PluginInfo plugin = load_plugin(request.file, kernel.registry);
    const Findings findings = check_plugin(kernel.registry, plugin.id);
    std::cout << describe(findings);
    return conforms(findings) ? 0 : 1;
  }
  check_extension(request.file, "MANIFEST.toml, SCRIPT.lua or PLUGIN.so");
  load_kernel(kernel, plugin_paths);
  if (extension == ".lua")
    check_script(request.file);
  else
    check_manifest_file(request, kernel);
  std::cout << request.file.string() << ": no problem found\n";
  return 0;
}

}  // namespace facet::cli
