// The files of a codes store: their names, and what is written into each.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "activations/store_parts.h"
#include "facet/stream.h"

namespace facet {

struct CodesFiles {
  std::filesystem::path folder;

  std::filesystem::path parts() const { return folder / "parts"; }
  std::filesystem::path sequences() const { return folder / "sequences.jsonl"; }
  std::filesystem::path by_latent() const { return folder / "by_latent.safetensors"; }
  std::filesystem::path record() const { return folder / "codes.json"; }
};

/// The value of codes.json's `format`.
inline constexpr int64_t kCodesFormat = 2;

/// The tensors of one of the parts.
NamedPieces codes_part(const Codes& codes, const Rows& ids);
/// One line of sequences.jsonl, with its end.
std::string sequence_line(const SequenceInfo& sequence);
/// Sorts the entries > 0 of the parts 0 .. parts - 1 by latent into by_latent.safetensors, in
/// memory (28 bytes each), and returns how many there are.
int64_t write_by_latent(const CodesFiles& files, int64_t parts, int64_t d_sae);

/// What codes.json says.
struct CodesRecord {
  std::string key, pool;
  std::string source_is;  ///< "stream" or "from": where the rows come from,
  Value source;           ///< and what is known of it
  int64_t rows = 0, d_sae = 0, parts = 0, sequences = 0, firing_entries = 0, letter_offset = 0;
};
void write_codes_record(const CodesFiles& files, const CodesRecord& codes);

}  // namespace facet
