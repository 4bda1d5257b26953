// Names of the files of a codes store.
#pragma once

#include <filesystem>

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

}  // namespace facet
