// facet sae export: a trained SAE as other programs want it.
#include "train/sae_export.h"

#include <iostream>

#include "cli/commands.h"

namespace facet::cli {

namespace fs = std::filesystem;

int export_sae_folder(const fs::path& given, const fs::path& to, const PluginPaths& plugin_paths) {
  Kernel kernel;
  load_kernel(kernel, plugin_paths);
  const ExportOutcome outcome = export_sae(sae_folder_of(given), to, kernel.registry);
  std::cout << to.string() << ": " << outcome.type << "\n";
  if (outcome.normaliser != "none")
    std::cout << "  normaliser " << outcome.normaliser
              << (outcome.stays.empty() ? ": in the weights" : " stays: " + outcome.stays) << "\n";
  for (const std::string& notice : outcome.notices) std::cerr << notice << "\n";
  std::cout << (outcome.saelens ? "  SAELens loads it\n"
                                : "  SAELens has no form for it: facet loads it\n");
  return 0;
}

}  // namespace facet::cli
