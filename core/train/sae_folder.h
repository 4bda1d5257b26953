// The folder of a finished SAE: SAELens' layout (cfg.json, sae_weights.safetensors) and facet.json
// beside it.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "facet/normaliser.h"
#include "facet/plugin.h"
#include "facet/sae.h"
#include "train/fingerprint.h"

namespace facet {

/// What facet.json says of an SAE beside its weights.
struct SaeRecord {
  std::string type;  ///< architecture as registered
  Value params;      ///< every parameter in force
  Shape shape;
  uint64_t seed = 0;
  std::string host_type;     ///< "" for rows of a known dictionary
  std::string host_weights;  ///< hash
  std::vector<std::string> hookpoints;
  /// Each a row of its own (activations.layers_as); "points" too where facet.json does not say it.
  std::string layers_as = "points";
  std::string rows;           ///< row policy
  std::string pool = "none";  ///< of the rows; "none" too where facet.json does not say it
  std::string stream_key;
  std::string normaliser;   ///< its name
  Value normaliser_params;  ///< as parsed
  /// What it found; with a target a table of `input` and `target`.
  Value normaliser_state;
  /// Of a transcoder; without hookpoints the rows themselves are the target.
  struct Target {
    std::vector<std::string> hookpoints;
    bool minus_input = false;
    std::string normaliser;
    Value normaliser_params;
  };
  Target target;
  std::string run;  ///< id of the run that trained it
  int64_t step = 0;
  std::string program;    ///< that trained it; "": facet
  std::string host_name;  ///< of another program: what it calls the host
};
/// "blocks.1.out less the input", "" without a target.
std::string target_text(const SaeRecord& record);
Value to_value(const SaeRecord& record);
SaeRecord sae_record(const Value& value, const std::string& where);

struct LoadedSae {
  std::unique_ptr<Sae> sae;
  std::unique_ptr<Normaliser> normaliser;
  SaeRecord record;
  std::vector<std::string> notices;  ///< what its user should know
  Tensor fingerprint_rows;           ///< undefined: it has no fingerprint
};

/// Writes the folder, each file atomically and facet.json last. cfg.json is SAELens' when both the
/// SAE and the normaliser have a form there; else its architecture is "facet/<type>", which SAELens
/// refuses by name.
///
/// fingerprint  is kept beside it, for load_sae() to compare with; nothing: none is kept
/// source       SAELens 6.54, sae.py (SAE.save_model and load_from_disk)
void save_sae(const std::filesystem::path& folder, const Sae& sae, const Normaliser& normaliser,
              const SaeRecord& record, const std::optional<Fingerprint>& fingerprint = {});
/// An SAE of facet, or one that another program saved (train/foreign_sae.h), of whose rows less is
/// known: its record names the program, and no host_type.
///
/// throws  UserError naming the file when something is missing or disagrees, with the fingerprint
///         of the folder, too.
LoadedSae load_sae(const std::filesystem::path& folder, const Registry& registry);

/// sae_weights.safetensors has the params, and the buffers too when `sae.saelens()` is empty; else
/// SAELens would refuse them, so they stand in facet_buffers.safetensors.
void save_weights(const std::filesystem::path& folder, const Sae& sae);
/// Copies the params and buffers of a folder into `sae`. UserError when names, shapes or types
/// disagree.
void load_weights(const std::filesystem::path& folder, Sae& sae);

}  // namespace facet
