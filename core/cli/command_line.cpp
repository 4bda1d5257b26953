// The command line as a whole: the options of every command, and what is said of a wrong one.
#include <iostream>

#include "cli/command_groups.h"
#include "facet/build.h"
#include "plugin/loader.h"

namespace facet::cli {
namespace {

constexpr int kUsage = 2;
constexpr char kSaysMore[] = "facet --help says more\n";

std::vector<std::string> names_of(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* command :
       app.get_subcommands([](const CLI::App* one) { return !one->get_group().empty(); }))
    names.push_back(command->get_name());
  return names;
}

// The command that the words name, nested ones too.
const CLI::App& deepest(const CLI::App& app) {
  const std::vector<CLI::App*> chosen = app.get_subcommands();
  return chosen.empty() ? app : deepest(*chosen.front());
}

// The first word behind the command's own name, unless it is an option.
std::string word_behind(const CLI::App& command, int argc, char** argv) {
  int at = 1;
  if (command.get_parent())
    while (at < argc && argv[at++] != command.get_name()) continue;
  return at < argc && argv[at][0] != '-' ? argv[at] : "";
}

// A word stands where `app` or its chosen command wants one of its commands, and names none.
bool names_no_command(const CLI::App& app, int argc, char** argv) {
  const CLI::App& command = deepest(app);
  return !names_of(command).empty() && !word_behind(command, argc, argv).empty();
}

// What is wrong with the command line, in the form of every other message.
std::string usage_problem(const CLI::App& app, const CLI::ParseError& e, int argc, char** argv) {
  const CLI::App& command = deepest(app);
  const std::vector<std::string> commands = names_of(command);
  const bool lacks_command = !commands.empty() && dynamic_cast<const CLI::RequiredError*>(&e);
  if (!lacks_command && !names_no_command(app, argc, argv))
    return "facet: " + std::string(e.what());
  std::string all;
  for (const std::string& name : commands) all += (all.empty() ? "" : ", ") + name;
  const std::string where = "facet: " + (command.get_parent() ? command.get_name() + ": " : "");
  const std::string word = word_behind(command, argc, argv);
  if (word.empty()) return where + "a command is required, one of " + all;
  return where + "no command \"" + word + "\"" + did_you_mean(word, commands) +
         ", should be one of " + all;
}

std::string version_text() {
  return std::string("facet ") + FACET_VERSION + "\nbuild tag: " + build_tag();
}

void add_common_options(CommandLine& line) {
  CLI::App& app = line.app;
  app.name("facet");
  app.description(
      "facet: sparse autoencoders on protein, RNA and language models, by manifest and Lua script");
  app.require_subcommand(1);
  app.set_version_flag("--version", version_text(), "Print the version and the build tag");
  app.set_help_flag("-h,--help", "Print this help");
  app.fallthrough();
  repeatable(app.add_option("--plugin-path", line.plugin_paths,
                            "Folder or file of plugins (repeatable); also FACET_PLUGIN_PATH"));
  app.add_option("--runs", line.request.runs,
                 "Folder of all runs; also FACET_RUNS (default: ./runs)");
  app.add_option("--device", line.request.device, "cpu, cuda or cuda:N")->capture_default_str();
  app.add_option("--threads", line.request.threads,
                 "Threads of computation (default: LibTorch's choice)")
      ->check(from_one());
}

}  // namespace

CLI::App* add_command(CommandLine& line, const std::string& name, const std::string& about,
                      const std::string& example, std::function<int()> call) {
  const size_t space = name.find(' ');
  CLI::App* parent =
      space == std::string::npos ? &line.app : line.app.get_subcommand(name.substr(0, space));
  CLI::App* command = parent->add_subcommand(name.substr(space + 1), about);
  if (!example.empty())
    command->footer("example: " + example +
                    "\nalso, with every command: --device, --threads, --runs, --plugin-path; facet "
                    "--help explains them");
  if (call) command->final_callback([&line, call = std::move(call)] { line.chosen = call; });
  return command;
}

void repeatable(CLI::Option* option) { option->allow_extra_args(false); }

CLI::Validator from_one() {
  return CLI::Validator(
      [](const std::string& text) {
        const bool digits = !text.empty() && text.size() < 10 &&
                            text.find_first_not_of("0123456789") == std::string::npos;
        return digits && std::stol(text) > 0 ? std::string()
                                             : "\"" + text + "\", should be a whole number from 1";
      },
      "N");
}

int run_command_line(int argc, char** argv) {
  CommandLine line;
  line.request.argv.assign(argv, argv + argc);
  add_common_options(line);
  add_run_commands(line);
  add_row_commands(line);
  add_go_command(line);
  add_part_commands(line);
  try {
    line.app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    const bool asks = e.get_exit_code() == 0;  // --help, --version
    if (asks && !names_no_command(line.app, argc, argv)) return line.app.exit(e);
    std::cerr << usage_problem(line.app, e, argc, argv) << "\n" << kSaysMore;
    return kUsage;
  }
  try {
    return line.chosen();
  } catch (const UsageError& e) {
    std::cerr << "facet: " << e.what() << "\n" << kSaysMore;
    return kUsage;
  }
}

}  // namespace facet::cli
