// Content hashes of inputs, remembered by (path, size, time of change, inode) so that a large file
// is read once.
#pragma once

#include <filesystem>
#include <string>

#include "facet/value.h"

namespace facet {

class InputHash {
 public:
  /// `memory` is a JSON file that may not exist yet.
  explicit InputHash(std::filesystem::path memory);
  /// sha256_path of a file or folder.
  std::string of(const std::filesystem::path& path);
  /// Keeps what was learnt. A memory that cannot be written is no error: the next run hashes again.
  void remember() const;

 private:
  std::filesystem::path memory_;
  Value known_;
  bool changed_ = false;
};

}  // namespace facet
