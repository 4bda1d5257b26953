// The commands of the executable.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "run/kernel.h"

namespace facet::cli {

/// Parses the command line and calls the command; returns the exit code.
int run_command_line(int argc, char** argv);

int run(const RunRequest& request, const std::vector<std::filesystem::path>& plugin_paths);
/// A manifest, a script, or a plugin.
int check(const RunRequest& request, const std::vector<std::filesystem::path>& plugin_paths);
/// Every part that facet knows, by kind.
int list(const std::vector<std::filesystem::path>& plugin_paths);
/// `help`, `help KIND`, `help KIND NAME`, `help SECTION`.
int help(const std::vector<std::string>& words,
         const std::vector<std::filesystem::path>& plugin_paths);
/// A table of the runs under the runs folder.
int runs(const RunRequest& request);
/// Writes the reference pages into a folder, or (check) compares them with what is there.
int docs(const std::filesystem::path& folder, bool only_check,
         const std::vector<std::filesystem::path>& plugin_paths);

}  // namespace facet::cli
