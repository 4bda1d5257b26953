// Writes a checkpoint into a folder beside its place, then renames it.
#include "train/checkpoint_folder.h"

#include <facet/torch.h>

#include "base/files.h"
#include "train/sae_folder.h"

namespace facet {

namespace fs = std::filesystem;

namespace {

constexpr int64_t kCheckpointFormat = 1;

fs::path state_file(const fs::path& folder) { return folder / "state.safetensors"; }
fs::path cursor_file(const fs::path& folder) { return folder / "cursor.json"; }

void write_all(const fs::path& folder, const Checkpoint& checkpoint, const Sae& sae) {
  std::error_code error;
  fs::remove_all(folder, error);
  fs::create_directories(folder, error);
  if (error) throw UserError(folder.string() + ": cannot make folder: " + error.message());
  save_weights(folder, sae);
  save_safetensors(state_file(folder), checkpoint.tensors);
  Value cursor;
  cursor.set("format", kCheckpointFormat);
  cursor.set("step", checkpoint.step);
  cursor.set("cursor", checkpoint.cursor);
  write_file(cursor_file(folder), emit_json_pretty(cursor));
}

}  // namespace

void save_checkpoint(const fs::path& folder, const Checkpoint& checkpoint, const Sae& sae) {
  const fs::path partial = folder.string() + ".partial";
  try {
    write_all(partial, checkpoint, sae);
    rename_folder(partial, folder);
  } catch (const UserError& e) {
    std::error_code none;
    fs::remove_all(partial, none);
    throw UserError(std::string(e.what()) + "\nthe checkpoint of step " +
                    std::to_string(checkpoint.step) + " is not written; earlier ones are whole");
  }
}

Checkpoint load_checkpoint(const fs::path& folder, Sae& sae) {
  const fs::path file = cursor_file(folder);
  const Value said = parse_json(read_file(file), file.string());
  if (said.integer("format") != kCheckpointFormat)
    throw UserError(file.string() + ": format: is " + std::to_string(said.integer("format")) +
                    ", should be " + std::to_string(kCheckpointFormat));
  Checkpoint checkpoint;
  checkpoint.step = said.integer("step");
  checkpoint.cursor = said.at("cursor");
  const Safetensors state(state_file(folder));
  for (const std::string& name : state.names())
    checkpoint.tensors.emplace_back(name, state.tensor(name));
  load_weights(folder, sae);
  return checkpoint;
}

}  // namespace facet
