// Bodies of a run's checkpoints.
#include "run/run_checkpoints.h"

#include <algorithm>

#include "run/kept_saes.h"
#include "train/checkpoint_folder.h"

namespace facet {
namespace {

namespace fs = std::filesystem;

constexpr size_t kKept = 2;

bool is_step(const fs::path& folder) {
  return folder.filename().string().find_first_not_of("0123456789") == std::string::npos;
}

}  // namespace

std::vector<fs::path> RunCheckpoints::whole() const {
  std::vector<fs::path> out;
  if (!fs::exists(folder_)) return out;
  for (const auto& entry : fs::directory_iterator(folder_)) {
    if (is_step(entry.path()) && fs::exists(entry.path() / name_ / "cursor.json"))
      out.push_back(entry.path());
  }
  std::sort(out.begin(), out.end());
  return out;
}

void RunCheckpoints::save(const Checkpoint& checkpoint, const Sae& sae) {
  const std::string step = step_name(checkpoint.step);
  Checkpoint marked = checkpoint;
  marked.cursor.set("events", events_());
  fs::create_directories(folder_ / step);
  save_checkpoint(folder_ / step / name_, marked, sae);
  remove_old();
}

// Everything of this training but the newest whole ones, what a crash left half written or half
// removed included.
void RunCheckpoints::remove_old() const {
  const auto all = whole();
  const auto kept = all.size() > kKept ? all.end() - kKept : all.begin();
  for (const auto& entry : fs::directory_iterator(folder_)) {
    if (!is_step(entry.path())) continue;
    fs::remove_all(entry.path() / (name_ + ".partial"));
    if (std::find(kept, all.end(), entry.path()) == all.end()) {
      fs::remove(entry.path() / name_ /
                 "cursor.json");  // first: without it the rest is no checkpoint
      fs::remove_all(entry.path() / name_);
    }
    std::error_code not_empty;  // another SAE's checkpoint of the same step
    fs::remove(entry.path(), not_empty);
  }
}

std::optional<Checkpoint> RunCheckpoints::load(Sae& sae) {
  const auto all = whole();
  if (all.empty()) return std::nullopt;
  return load_checkpoint(all.back() / name_, sae);
}

}  // namespace facet
