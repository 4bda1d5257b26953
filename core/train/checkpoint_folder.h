// One checkpoint on disk: sae_weights.safetensors, state.safetensors and cursor.json in a folder
// that appears whole.
#pragma once

#include <filesystem>

#include "train/trainer.h"

namespace facet {

/// Writes beside `folder` and takes its name at the end. UserError that says that earlier
/// checkpoints are whole when the disk is full; nothing is left behind then.
void save_checkpoint(const std::filesystem::path& folder, const Checkpoint& checkpoint,
                     const Sae& sae);
/// UserError naming the file when something is missing or disagrees with `sae`.
Checkpoint load_checkpoint(const std::filesystem::path& folder, Sae& sae);

}  // namespace facet
