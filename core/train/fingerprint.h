// What an SAE makes of a few rows, kept beside it: a load tells by it whether it is still that SAE.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "facet/normaliser.h"
#include "facet/sae.h"

namespace facet {

/// Rows of a fingerprint, at most.
inline constexpr int64_t kFingerprintRows = 32;

struct Fingerprint {
  Tensor rows;    ///< [n, points, d] as the host gave them: input, then target where it is another
  Codes codes;    ///< on the CPU
  double l0 = 0;  ///< mean number of codes that are not 0
  double nmse = 0;  ///< squared error over squared target, both summed, in the SAE's units
};

/// Of rows [n, points, d] as the host gave them, in any dtype; with Mode::infer, without gradients.
/// Nothing when a figure is not finite.
std::optional<Fingerprint> fingerprint_of(Sae& sae, const Normaliser& normaliser,
                                          const Tensor& rows);

/// Writes fingerprint.safetensors; returns what facet.json says of it.
Value save_fingerprint(const std::filesystem::path& folder, const Fingerprint& fingerprint);
/// The rows that a folder keeps.
Tensor fingerprint_rows(const std::filesystem::path& folder);
/// `now` is what the SAE makes of these rows. Codes with the hash that facet.json has are right; in
/// other builds and on other machines the last bits differ: figures may then be 0.1 % off, and of
/// the active codes 99 in 100 must agree, each to 0.1 % of the largest.
///
/// throws  UserError "FOLDER: fingerprint: NMSE of its own rows is ..., should be ...: ..."
void check_fingerprint(const std::filesystem::path& folder, const Value& said,
                       const std::optional<Fingerprint>& now);

}  // namespace facet
