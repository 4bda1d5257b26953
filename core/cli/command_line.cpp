// The command line; the only file that sees its library.
#include <CLI/CLI.hpp>

#include "cli/commands.h"
#include "facet/build.h"
#include "plugin/loader.h"

namespace facet::cli {
namespace {

constexpr int kUsage = 2;

std::string version_text() { return std::string("facet ") + FACET_VERSION + "\nbuild tag: " + build_tag(); }

}  // namespace

int run_command_line(int argc, char** argv) {
  CLI::App app{"facet: sparse autoencoders on protein, RNA and language models, by manifest and Lua script"};
  app.require_subcommand(1);
  app.set_version_flag("--version", version_text(), "Print the version and the build tag");
  app.set_help_flag("-h,--help", "Print this help");
  app.fallthrough();

  RunRequest request;
  request.argv.assign(argv, argv + argc);
  std::vector<std::filesystem::path> plugin_paths;
  app.add_option("--plugin-path", plugin_paths, "Folder or file of plugins (repeatable); also FACET_PLUGIN_PATH");
  app.add_option("--runs", request.runs, "Folder of all runs; also FACET_RUNS (default: ./runs)");
  app.add_option("--device", request.device, "cpu, cuda or cuda:N")->capture_default_str();
  app.add_option("--threads", request.threads, "Threads of computation (default: LibTorch's choice)")->check(CLI::PositiveNumber);

  CLI::App* run_app = app.add_subcommand("run", "Run a manifest (x.toml) or a script (x.lua)");
  run_app->add_option("FILE", request.file, "MANIFEST.toml or SCRIPT.lua")->required();
  run_app->add_option("--set", request.sets, "KEY=VALUE laid over the manifest, for instance sae.k=64 (repeatable)");
  run_app->add_option("--stop-after", request.stop_after, "Stop after so many training steps, with a checkpoint and exit code 75")->check(CLI::PositiveNumber);
  run_app->add_flag("--unsafe", request.unsafe, "Give scripts os.getenv, io.popen and os.execute");
  run_app->add_flag("--quiet", request.quiet, "Say nothing but warnings and errors");

  CLI::App* check_app = app.add_subcommand("check", "Validate a manifest, a script or a plugin without running it");
  check_app->add_option("FILE", request.file, "MANIFEST.toml, SCRIPT.lua or PLUGIN.so")->required();
  check_app->add_option("--set", request.sets, "KEY=VALUE laid over the manifest (repeatable)");

  app.add_subcommand("list", "List every SAE, host, data source, analysis and normaliser");
  std::vector<std::string> words;
  CLI::App* help_app = app.add_subcommand("help", "Explain a part or a section: facet help sae topk, facet help train");
  help_app->add_option("WORDS", words, "KIND NAME, or a section");
  app.add_subcommand("runs", "List the runs with their status and figures");

  std::filesystem::path folder;
  bool only_check = false;
  CLI::App* docs_app = app.add_subcommand("docs", "Write the reference pages from the schemas");
  docs_app->add_option("FOLDER", folder, "Where the pages go")->required();
  docs_app->add_flag("--check", only_check, "Only say which pages are out of step; exit code 1 when one is");

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : kUsage;
  }
  if (app.got_subcommand("run")) return run(request, plugin_paths);
  if (app.got_subcommand("check")) return check(request, plugin_paths);
  if (app.got_subcommand("list")) return list(plugin_paths);
  if (app.got_subcommand("help")) {
    if (!words.empty()) return help(words, plugin_paths);
    std::cout << app.help();
    return 0;
  }
  if (app.got_subcommand("runs")) return runs(request);
  return docs(folder, only_check, plugin_paths);
}

}  // namespace facet::cli
