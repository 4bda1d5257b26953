// A codes store from what Rep_SAEs_PLMs extracted: codes without an SAE and without rows.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

#include "activations/rep_saes_files.h"
#include "facet/event.h"

namespace facet {

/// Builds the store in `folder` (named by its key) unless it is finished there, going on from what
/// an earlier process left; the bytes are the same wherever it was cut. Row r of the arrays is the
/// row of sequence r, pooled by "mean", without letters; zeros are left out. UserError as
/// RepSaesCodes, and when the metadata has more or fewer rows than the arrays. The arrays are read
/// once, a block at a time; the entries by latent are sorted in memory, 28 bytes each.
void build_rep_saes_codes(const std::filesystem::path& folder, const RepSaesFiles& files,
                          int64_t d_sae, const std::string& key, EventSink& events,
                          const std::function<void()>& breathe,
                          int64_t part_entries = int64_t{1} << 24);

}  // namespace facet
