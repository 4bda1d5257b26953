// The commands by groups: each adds its own to the command line and says what to call.
#pragma once

#include <CLI/CLI.hpp>

#include <functional>
#include <string>
#include <vector>

#include "cli/commands.h"

namespace facet::cli {

/// What all groups share. The options of a chosen command stand in variables that live as long as
/// `app` does.
struct CommandLine {
  CLI::App app;
  RunRequest request;
  PluginPaths plugin_paths;
  std::function<int()> chosen;  ///< set by the command that the line names
};

/// run, check, runs, repl.
void add_run_commands(CommandLine& line);
/// list, help, docs, doctor, completion.
void add_part_commands(CommandLine& line);
/// activations, encode, sae, inspect.
void add_row_commands(CommandLine& line);

/// A command with an example under its help; `call` is what it does. Names of nested commands are
/// separated by a space ("sae show").
CLI::App* add_command(CommandLine& line, const std::string& name, const std::string& about,
                      const std::string& example, std::function<int()> call);
/// go.
void add_go_command(CommandLine& line);

/// One value an option, so that a file may follow it; the option may be repeated.
void repeatable(CLI::Option* option);
/// A number from 1, with a message that fits a line.
CLI::Validator from_one();

/// A command line that is wrong in a way that CLI11 cannot see; exit code 2.
class UsageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// The words that may stand where `words` ends: commands, options, values. The last word may be cut
/// short.
std::vector<std::string> completions(const CommandLine& line,
                                     const std::vector<std::string>& words);
/// The script that teaches a shell to complete; `shell` is bash, zsh or fish.
std::string completion_script(const std::string& shell);

}  // namespace facet::cli
