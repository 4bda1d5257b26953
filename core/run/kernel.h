// The process: its registry and plugins, and what the command line asked of this run.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "plugin/loader.h"

namespace facet {

/// Every part that this process knows. Plugins stay loaded until it ends.
struct Kernel {
  Registry registry;
  std::vector<PluginInfo> plugins;
};

/// Adds the kernel's own parts, without any plugin.
void add_kernel_parts(Registry& registry);
/// Fills the kernel with its own parts and with the plugins of the folders (see plugin_folders).
void load_kernel(Kernel& kernel, const std::vector<std::filesystem::path>& plugin_paths);
/// The plugin that registered a part, or nullptr for the kernel's own.
const PluginInfo* plugin_of(const Kernel& kernel, const Part& part);

/// What `facet run` was asked. Nothing here but `file` and `sets` can change a result.
struct RunRequest {
  std::filesystem::path file;     ///< MANIFEST.toml or SCRIPT.lua
  std::vector<std::string> sets;  ///< KEY=VALUE
  std::filesystem::path runs;     ///< folder of all runs; empty: FACET_RUNS, else ./runs
  std::string device = "cpu";
  int threads = 0;         ///< 0: LibTorch's choice
  int64_t stop_after = 0;  ///< steps of training in this process; 0: none
  bool unsafe = false;     ///< os.getenv, io.popen and os.execute in scripts
  bool quiet = false;
  bool typed = false;  ///< the script is what someone types at a prompt: it cannot be run again
  std::vector<std::string> argv;
};
std::filesystem::path runs_folder(const RunRequest& request);
/// Threads and device, before any tensor is made. UserError when the device is not there.
void prepare_device(const RunRequest& request);

}  // namespace facet
