// Writing a trained SAE for other programs: normalisation in the weights, the architecture that
// inference needs.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "train/sae_folder.h"

namespace facet {

struct ExportOutcome {
  std::string type;        ///< architecture written: the SAE's own, or what stands in for it
  std::string normaliser;  ///< of the SAE that was given
  std::string stays;       ///< why the normaliser is still there; "" when it is in the weights
  bool saelens = false;    ///< SAELens loads the folder
  std::vector<std::string> notices;  ///< what the user of the SAE should know
};

/// Writes the SAE that save_sae() wrote in `from` into the new folder `to`, for raw rows: its
/// normaliser is folded into the weights where that is possible (Normaliser::fold()), and an
/// architecture that another one stands in for (Sae::inference_form()) is written as that one. The
/// same latents are active, and the reconstruction is the same but for rounding. Where it is not
/// possible the normaliser stays. sparsity.safetensors is copied.
///
/// throws  UserError when `to` has something in it already, and as load_sae() does
ExportOutcome export_sae(const std::filesystem::path& from, const std::filesystem::path& to,
                         const Registry& registry);

}  // namespace facet
