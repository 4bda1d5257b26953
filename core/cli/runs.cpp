// facet runs: a table of what lies under the runs folder.
#include <algorithm>
#include <iostream>

#include "cli/commands.h"
#include "facet/table.h"
#include "run/run_folder.h"

namespace facet::cli {

int runs(const RunRequest& request) {
  namespace fs = std::filesystem;
  const fs::path root = runs_folder(request);
  if (!fs::exists(root)) {
    std::cout << "no runs in " << root.string() << "\n";
    return 0;
  }
  std::vector<fs::path> folders;
  for (const auto& entry : fs::recursive_directory_iterator(root))
    if (entry.path().filename() == "record.json") folders.push_back(entry.path().parent_path());
  std::sort(folders.begin(), folders.end());
  for (const fs::path& folder : folders) {
    const Value record = RunFolder::record_of(folder);
    std::string line = fs::relative(folder, root).string() + "  " +
                       status_text(RunFolder::status_of(folder)) + "  " + record.text("started");
    if (const Value* figures = record.find("figures"))
      for (const auto& [analysis, table] : *figures->as<Value::Table>())
        for (const char* name : {"nmse", "l0", "dead"})
          if (const Value* v = table.find(name))
            line += std::string("  ") + name + " " + for_eyes(*v);
    std::cout << line << "\n";
  }
  return 0;
}

}  // namespace facet::cli
