// Bodies of a run's checkpoints.
#include "run/run_checkpoints.h"

#include <algorithm>
#include <cstdio>

#include "train/checkpoint_folder.h"

namespace facet {
namespace {

namespace fs = std::filesystem;

constexpr size_t kKept = 2;

}  // namespace

std::vector<fs::path> RunCheckpoints::whole() const {
  std::vector<fs::path> out;
  if (!fs::exists(folder_)) return out;
  for (const auto& entry : fs::directory_iterator(folder_)) {
    const std::string step = entry.path().filename().string();
    const bool is_step = step.find_first_not_of("0123456789") == std::string::npos;
    if (is_step && fs::exists(entry.path() / name_ / "cursor.json")) out.push_back(entry.path());
  }
  std::sort(out.begin(), out.end());
  return out;
}

void RunCheckpoints::save(const Checkpoint& checkpoint, const Sae& sae) {
  char step[32];
  std::snprintf(step, sizeof step, "%09lld", static_cast<long long>(checkpoint.step));
  Checkpoint marked = checkpoint;
  marked.cursor.set("events", events_());
  fs::create_directories(folder_ / step);
  save_checkpoint(folder_ / step / name_, marked, sae);
  const auto all = whole();
  for (size_t i = 0; i + kKept < all.size(); ++i) fs::remove_all(all[i] / name_);
  for (size_t i = 0; i + kKept < all.size(); ++i) {
    std::error_code not_empty;  // another SAE's checkpoint of the same step
    fs::remove(all[i], not_empty);
  }
}

std::optional<Checkpoint> RunCheckpoints::load(Sae& sae) {
  const auto all = whole();
  if (all.empty()) return std::nullopt;
  return load_checkpoint(all.back() / name_, sae);
}

}  // namespace facet
