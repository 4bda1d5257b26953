// The commands of the executable.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "run/kernel.h"

namespace facet::cli {

/// Parses the command line and calls the command; returns the exit code.
int run_command_line(int argc, char** argv);

/// Rows in memory at a time, of a command that goes through all of them.
inline constexpr int64_t kRowsAtOnce = 4096;

using PluginPaths = std::vector<std::filesystem::path>;

int run(const RunRequest& request, const PluginPaths& plugin_paths);
/// A manifest (with what it needs of the machine), a script, or a plugin.
int check(const RunRequest& request, const PluginPaths& plugin_paths);
/// Every part that facet knows, by kind.
int list(const PluginPaths& plugin_paths);
/// `help`, `help KIND`, `help KIND NAME`, `help SECTION`.
int help(const std::vector<std::string>& words, const PluginPaths& plugin_paths);
/// The kinds and sections that `help` knows.
std::vector<std::string> help_topics();
/// A table of the runs under the runs folder.
int runs(const RunRequest& request);
/// Writes the reference pages into a folder, or (check) compares them with what is there.
int docs(const std::filesystem::path& folder, bool only_check, const PluginPaths& plugin_paths);
/// Reads Lua lines until the input ends.
int repl(const RunRequest& request, const PluginPaths& plugin_paths);
/// What facet sees of the machine and of its plugins; 1 when something is wrong.
int doctor(const RunRequest& request, const PluginPaths& plugin_paths);

/// A host and, but for `inspect`, its data, as options name them.
struct HostRequest {
  std::string type;
  std::string weights;
  std::string input;              ///< a file; its ending decides the type of the data
  std::vector<std::string> sets;  ///< KEY=VALUE of [host], [data] and [activations]
};

struct ActivationsRequest {
  HostRequest host;
  std::string hookpoints;  ///< a name, glob or range
  std::string rows = "content";
  std::string pool = "none";
  std::filesystem::path out;
};
/// Writes rows of a host into a safetensors file.
int activations(const RunRequest& request, const ActivationsRequest& asked,
                const PluginPaths& plugin_paths);

struct EncodeRequest {
  std::filesystem::path sae;
  std::filesystem::path in;
  std::string tensor;  ///< empty: the SAE's hookpoint
  std::filesystem::path out;
  bool reconstruct = false;
};
/// Writes the codes of a file's rows as CSR.
int encode(const EncodeRequest& asked, const PluginPaths& plugin_paths);

/// The folder of an SAE: as given, or `sae` in it where a run's is given.
std::filesystem::path sae_folder_of(const std::filesystem::path& given);
/// Prints what a folder says of its SAE.
int show_sae(const std::filesystem::path& folder);
/// Writes the SAE of a folder, or of a run's folder, into a new one for other programs: for raw
/// rows, where its normaliser goes into the weights.
int export_sae_folder(const std::filesystem::path& folder, const std::filesystem::path& to,
                      const PluginPaths& plugin_paths);

struct DiffRequest {
  std::filesystem::path a, b;
  std::filesystem::path out;  ///< empty: no table of pairs
};
/// Prints how two SAEs were made otherwise, and how many latents they share.
int diff_saes(const DiffRequest& asked, const PluginPaths& plugin_paths);

struct GoRequest {
  std::vector<std::filesystem::path> studies;  ///< files with a gene a line
  std::filesystem::path population, gaf, obo;
  std::filesystem::path out;  ///< empty: the standard output
  std::vector<std::string> relationships;
  bool no_propagate = false;
  std::vector<std::string> methods = {"bonferroni", "sidak", "holm"};
  std::vector<std::string> namespaces = {"BP", "MF", "CC"};
  std::string direction = "two_sided";
  std::string scope = "namespace";
  std::vector<std::string> evidence, without_evidence;
  double alpha = 0.05;
  double pval = 0.05;        ///< rows with an uncorrected p below it are written; above 1: all
  double min_overlap = 0.7;  ///< of a study's genes that are in the population
  int64_t seed = 0;
};
/// Writes the terms that stand out in lists of genes.
int go(const GoRequest& asked);

struct InspectRequest {
  std::filesystem::path sae;
  std::string weights;
  std::vector<std::string> sets;
  std::string sequence;
  std::string hookpoint;  ///< empty: the SAE's
  std::string rows;       ///< content or all; empty: those that the SAE was trained on
  int64_t top = 3;        ///< latents shown of each token
};
/// Prints each token's strongest latents, how well it comes back, and how the host's predictions
/// change.
int inspect(const RunRequest& request, const InspectRequest& asked,
            const PluginPaths& plugin_paths);

}  // namespace facet::cli
