// The command line; the only file that sees its library.
#include <CLI/CLI.hpp>

#include "cli/commands.h"
#include "facet/build.h"
#include "plugin/loader.h"

namespace facet::cli {
namespace {

constexpr int kUsage = 2;

// A number from 1, with a message that fits a line.
const CLI::Validator kFromOne(
    [](const std::string& text) {
      const bool digits = !text.empty() && text.size() < 10 &&
                          text.find_first_not_of("0123456789") == std::string::npos;
      return digits && std::stol(text) > 0 ? std::string()
                                           : "\"" + text + "\", should be a whole number from 1";
    },
    "N");

// One value an option, so that a file may follow it; the option may be repeated.
void repeatable(CLI::Option* option) { option->allow_extra_args(false); }

std::vector<std::string> names_of(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; }))
    names.push_back(command->get_name());
  return names;
}

// What is wrong with the command line, in the form of every other message.
std::string usage_problem(const CLI::App& app, const CLI::ParseError& e, int argc, char** argv) {
  const std::vector<std::string> commands = names_of(app);
  const bool has_command = !app.get_subcommands().empty();
  std::string all;
  for (const std::string& name : commands) all += (all.empty() ? "" : ", ") + name;
  if (has_command || dynamic_cast<const CLI::RequiredError*>(&e) == nullptr)
    return "facet: " + std::string(e.what());
  const std::string word = argc > 1 && argv[1][0] != '-' ? argv[1] : "";
  if (word.empty()) return "facet: a command is required, one of " + all;
  return "facet: no command \"" + word + "\"" + did_you_mean(word, commands) +
         ", should be one of " + all;
}

std::string version_text() {
  return std::string("facet ") + FACET_VERSION + "\nbuild tag: " + build_tag();
}

}  // namespace

int run_command_line(int argc, char** argv) {
  CLI::App app{
      "facet: sparse autoencoders on protein, RNA and language models, by manifest and Lua script"};
  app.name("facet");
  app.require_subcommand(1);
  app.set_version_flag("--version", version_text(), "Print the version and the build tag");
  app.set_help_flag("-h,--help", "Print this help");
  app.fallthrough();

  RunRequest request;
  request.argv.assign(argv, argv + argc);
  std::vector<std::filesystem::path> plugin_paths;
  repeatable(app.add_option("--plugin-path", plugin_paths,
                            "Folder or file of plugins (repeatable); also FACET_PLUGIN_PATH"));
  app.add_option("--runs", request.runs, "Folder of all runs; also FACET_RUNS (default: ./runs)");
  app.add_option("--device", request.device, "cpu, cuda or cuda:N")->capture_default_str();
  app.add_option("--threads", request.threads,
                 "Threads of computation (default: LibTorch's choice)")
      ->check(kFromOne);

  CLI::App* run_app = app.add_subcommand("run", "Run a manifest (x.toml) or a script (x.lua)");
  run_app->add_option("FILE", request.file, "MANIFEST.toml or SCRIPT.lua")->required();
  repeatable(
      run_app->add_option("--set", request.sets,
                          "KEY=VALUE laid over the manifest, for instance sae.k=64 (repeatable)"));
  run_app
      ->add_option("--stop-after", request.stop_after,
                   "Stop after so many training steps, with a checkpoint and exit code 75")
      ->check(kFromOne);
  run_app->add_flag("--unsafe", request.unsafe, "Give scripts os.getenv, io.popen and os.execute");
  run_app->add_flag("--quiet", request.quiet, "Say nothing but warnings and errors");

  CLI::App* check_app =
      app.add_subcommand("check", "Validate a manifest, a script or a plugin without running it");
  check_app->add_option("FILE", request.file, "MANIFEST.toml, SCRIPT.lua or PLUGIN.so")->required();
  repeatable(check_app->add_option("--set", request.sets,
                                   "KEY=VALUE laid over the manifest (repeatable)"));

  app.add_subcommand("list", "List every SAE, host, data source, analysis and normaliser");
  std::vector<std::string> words;
  CLI::App* help_app = app.add_subcommand(
      "help", "Explain a part or a section: facet help sae topk, facet help train");
  help_app->add_option("WORDS", words, "KIND NAME, or a section");
  app.add_subcommand("runs", "List the runs with their status and figures");

  std::filesystem::path folder;
  bool only_check = false;
  CLI::App* docs_app = app.add_subcommand("docs", "Write the reference pages from the schemas");
  docs_app->add_option("FOLDER", folder, "Where the pages go")->required();
  docs_app->add_flag("--check", only_check,
                     "Only say which pages are out of step; exit code 1 when one is");

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    if (e.get_exit_code() == 0) return app.exit(e);  // --help, --version
    std::cerr << usage_problem(app, e, argc, argv) << "\nfacet --help says more\n";
    return kUsage;
  }
  if (app.got_subcommand("run")) return run(request, plugin_paths);
  if (app.got_subcommand("check")) return check(request, plugin_paths);
  if (app.got_subcommand("list")) return list(plugin_paths);
  if (words.size() > 2) {
    std::cerr << "facet: help: " << words.size()
              << " words, should be KIND NAME, or a section\nfacet --help says more\n";
    return kUsage;
  }
  if (app.got_subcommand("help")) {
    if (!words.empty()) return help(words, plugin_paths);
    std::cout << app.get_formatter()->make_help(&app, "facet", CLI::AppFormatMode::Normal);
    return 0;
  }
  if (app.got_subcommand("runs")) return runs(request);
  return docs(folder, only_check, plugin_paths);
}

}  // namespace facet::cli
