// The bytes of a file, plain, gzip or zstd, in bounded memory.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>

namespace facet {

class ByteSource {
 public:
  virtual ~ByteSource();
  /// Up to `size` bytes, 0 at the end. UserError "file: cut short: ..." when compressed data ends
  /// early, "file: damaged: ..." when it is not what was written.
  virtual size_t read(char* into, size_t size) = 0;
};

/// Opens a file as what its first bytes say it is, whatever its name; gzip members and zstd frames
/// that follow one another are joined. UserError "file: cannot read: <why>", also for bzip2, xz and
/// zip.
std::unique_ptr<ByteSource> open_bytes(const std::filesystem::path& file);

}  // namespace facet
