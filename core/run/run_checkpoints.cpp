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
    const bool complete = std::all_of(
        together_.begin(), together_.end(),
        [&](const std::string& name) { return fs::exists(entry.path() / name / "cursor.json"); });
    if (is_step(entry.path()) && complete) out.push_back(entry.path());
  }
  std::sort(out.begin(), out.end());
  return out;
}

void RunCheckpoints::save(const Checkpoint& checkpoint, const Sae& sae) {
  const std::string turn = step_name(checkpoint.turn);
  Checkpoint marked = checkpoint;
  // Events are certain once the turn is whole: the last one to save says so for all.
  if (which_ + 1 == together_.size()) marked.cursor.set("events", events_());
  fs::create_directories(folder_ / turn);
  save_checkpoint(folder_ / turn / name(), marked, sae);
  remove_old(folder_ / turn);
}

// Everything of this training but the newest whole turns and the one that is being saved, what a
// crash left half written or half removed included.
void RunCheckpoints::remove_old(const fs::path& newest) const {
  const auto all = whole();
  const auto kept = all.size() > kKept ? all.end() - kKept : all.begin();
  for (const auto& entry : fs::directory_iterator(folder_)) {
    if (!is_step(entry.path())) continue;
    fs::remove_all(entry.path() / (name() + ".partial"));
    if (entry.path() != newest && std::find(kept, all.end(), entry.path()) == all.end()) {
      fs::remove(entry.path() / name() /
                 "cursor.json");  // first: without it the rest is no checkpoint
      fs::remove_all(entry.path() / name());
    }
    std::error_code not_empty;  // another SAE's checkpoint of the same turn
    fs::remove(entry.path(), not_empty);
  }
}

std::optional<Checkpoint> RunCheckpoints::load(Sae& sae) {
  const auto all = whole();
  if (all.empty()) return std::nullopt;
  return load_checkpoint(all.back() / name(), sae);
}

}  // namespace facet
