// Finds plugins, reads their tags, loads them for ever, and lets them fill the registry.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "facet/plugin.h"

namespace facet {

/// A plugin that is loaded, or was built into the kernel (empty file).
struct PluginInfo {
  std::string id;
  std::string version;
  std::string source_hash;
  std::string build_tag;
  std::filesystem::path file;
};

/// The tag this facet was built with: "facet 1/3fa9c2d1; torch 2.11.0; ...".
const char* build_tag();
/// The tag in a file, found without loading it; "" when there is none.
std::string read_build_tag(const std::filesystem::path& file);
/// --plugin-path, then FACET_PLUGIN_PATH (colon separated), then lib/facet beside the folder of the
/// executable when it is there.
std::vector<std::filesystem::path> plugin_folders(const std::vector<std::filesystem::path>& given);

/// Every *.so of a folder, sorted by name; a file stands for itself. UserError when it cannot be
/// read.
std::vector<std::filesystem::path> plugin_files(const std::filesystem::path& folder);

/// Loads one file. UserError: not a facet plugin; built for another facet (both tags); cannot be
/// loaded; a part or an id registered twice; no part registered; the plugin threw (its id in
/// front). After an error the registry is as before. A file that the registry has already is not
/// loaded again.
PluginInfo load_plugin(const std::filesystem::path& file, Registry& registry);
/// Loads the plugin_files of the folders, one canonical path once. Problems of all files are
/// reported together.
std::vector<PluginInfo> load_plugins(const std::vector<std::filesystem::path>& folders,
                                     Registry& registry);

}  // namespace facet
