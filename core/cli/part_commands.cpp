// The commands around parts and the program itself: list, help, docs, doctor, completion.
#include <iostream>

#include "cli/command_groups.h"

namespace facet::cli {
namespace {

// Variables of the options; they live as long as the program, as the callbacks that read them do.
struct PartOptions {
  std::vector<std::string> words;
  std::filesystem::path folder;
  bool only_check = false;
  std::string shell;
};

int help_of(const CommandLine& line, const std::vector<std::string>& words) {
  if (words.size() > 2)
    throw UsageError("help: " + std::to_string(words.size()) +
                     " words, should be KIND NAME, or a section");
  if (!words.empty()) return help(words, line.plugin_paths);
  std::cout << line.app.get_formatter()->make_help(&line.app, "facet", CLI::AppFormatMode::Normal);
  return 0;
}

// Hidden: the scripts that `completion` prints call it with the words of the line.
void add_complete(CommandLine& line) {
  CLI::App* complete = add_command(line, "complete", "Words that may come next", "", nullptr);
  complete->group("");
  complete->fallthrough(false);
  complete->prefix_command();
  complete->set_help_flag();
  complete->final_callback([&line, complete] {
    line.chosen = [&line, words = complete->remaining()] {
      for (const std::string& word : completions(line, words)) std::cout << word << "\n";
      return 0;
    };
  });
}

}  // namespace

void add_part_commands(CommandLine& line) {
  const auto options = std::make_shared<PartOptions>();
  add_command(line, "list", "List every SAE, host, data source, analysis and normaliser",
              "facet list", [&line] { return list(line.plugin_paths); });
  add_command(line, "help", "Explain a part or a section", "facet help sae topk, facet help train",
              [&line, options] { return help_of(line, options->words); })
      ->add_option("WORDS", options->words, "KIND NAME, or a section");

  CLI::App* docs_app = add_command(
      line, "docs", "Write the reference pages from the schemas", "facet docs docs/reference",
      [&line, options] { return docs(options->folder, options->only_check, line.plugin_paths); });
  docs_app->add_option("FOLDER", options->folder, "Where the pages go")->required();
  docs_app->add_flag("--check", options->only_check,
                     "Only say which pages are out of step; exit code 1 when one is");

  add_command(line, "doctor", "Say what facet sees of this machine and what is wrong",
              "facet doctor", [&line] { return doctor(line.request, line.plugin_paths); });
  add_command(line, "completion", "Print the script that completes commands in a shell",
              "facet completion bash > ~/.local/share/bash-completion/completions/facet",
              [options] {
                std::cout << completion_script(options->shell);
                return 0;
              })
      ->add_option("SHELL", options->shell, "bash, zsh or fish")
      ->required()
      ->check(CLI::Validator(
          [](const std::string& shell) {
            const bool known = shell == "bash" || shell == "zsh" || shell == "fish";
            return known ? std::string() : "\"" + shell + "\", should be bash, zsh or fish";
          },
          ""));
  add_complete(line);
}

}  // namespace facet::cli
