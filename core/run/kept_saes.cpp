// Writes whole SAEs, each beside its place first.
#include "run/kept_saes.h"

#include <cstdio>

#include "base/files.h"

namespace facet {

namespace fs = std::filesystem;

std::string step_name(int64_t step) {
  char text[32];
  std::snprintf(text, sizeof text, "%09lld", static_cast<long long>(step));
  return text;
}

RunKeptSaes::RunKeptSaes(const fs::path& run, const std::string& call, const SaeHandle& handle)
    : handle_(handle),
      kept_(handle.name.empty() ? run / "kept" : run / "kept" / handle.name),
      bests_(run / "checkpoints" / ("best-" + call)) {}

fs::path RunKeptSaes::best_of(int64_t step) const { return bests_ / step_name(step); }

void RunKeptSaes::save(const fs::path& folder, int64_t step, const Sae& sae) const {
  SaeRecord record = handle_.record;
  record.normaliser_state = handle_.normaliser->state();
  record.step = step;
  const fs::path partial = folder.string() + ".partial";
  try {
    std::error_code none;
    fs::remove_all(partial, none);
    save_sae(partial, sae, *handle_.normaliser, record);
    rename_folder(partial, folder);
  } catch (const UserError&) {
    std::error_code none;
    fs::remove_all(partial, none);
    throw;
  }
}

void RunKeptSaes::keep(int64_t step, const Sae& sae) { save(kept_ / step_name(step), step, sae); }

void RunKeptSaes::keep_best(int64_t step, const Sae& sae) { save(best_of(step), step, sae); }

void RunKeptSaes::only_best(int64_t step) {
  std::error_code none;
  if (!fs::exists(bests_, none)) return;
  for (const auto& entry : fs::directory_iterator(bests_))
    if (entry.path() != best_of(step)) fs::remove_all(entry.path());
}

void RunKeptSaes::finish(int64_t step) {
  std::error_code none;
  if (step > 0 && fs::exists(best_of(step), none)) {  // else an earlier process moved it already
    fs::create_directories(kept_);
    rename_folder(best_of(step), kept_ / "best");
  }
  fs::remove_all(bests_, none);
}

}  // namespace facet
