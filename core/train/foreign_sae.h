// SAEs that other programs saved: a folder as its program wrote it, in facet's words.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "facet/plugin.h"
#include "facet/safetensors.h"

namespace facet {

/// What every reader of a format gives: which SAE of facet it is, and its weights.
struct ForeignSae {
  std::string program;  ///< that wrote it
  std::string type;     ///< architecture of facet
  Value params;         ///< of [sae], without the type
  Value normalize;      ///< as [activations] normalize
  Shape shape;
  NamedTensors tensors;              ///< by facet's names in facet's layout, float32 on the CPU
  std::string host;                  ///< as the program calls it; "" where it does not say
  std::string hookpoint;             ///< the same
  std::string target;                ///< hookpoint that a transcoder predicts; the same
  std::vector<std::string> notices;  ///< what the user of this SAE should know
};

/// How a format is known and read.
struct ForeignFormat {
  const char* program;
  const char* files;  ///< for messages
  bool (*is)(const std::filesystem::path& folder);
  ForeignSae (*read)(const std::filesystem::path& folder);
};

/// The format of a folder; nullptr when no program that facet knows writes such files.
const ForeignFormat* foreign_format(const std::filesystem::path& folder);
/// UserError "FOLDER: not an SAE: ..." where foreign_format() is nullptr, and "FILE: what is,
/// should be" for each thing in it that is not as its program writes it.
ForeignSae read_foreign_sae(const std::filesystem::path& folder);

/// A hookpoint as other programs call it, by facet's name ("blocks.3.hook_resid_post" is
/// "blocks.3.out"); what is not known stays as it is.
std::string facet_hookpoint(const std::string& name);
/// The SAE with its weights; `params_in_force` is told every parameter.
std::unique_ptr<Sae> sae_of_foreign(const ForeignSae& foreign, const Registry& registry,
                                    const std::string& where, Value& params_in_force);

}  // namespace facet
