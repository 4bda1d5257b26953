// The bytes of a file, mapped read-only.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string_view>

namespace facet {

class MappedFile {
 public:
  /// UserError "file: cannot read: <why>".
  explicit MappedFile(const std::filesystem::path& file);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  char* at(int64_t offset) const { return static_cast<char*>(bytes_) + offset; }
  int64_t size() const { return size_; }
  /// Bytes begin .. end - 1, which must lie in the file.
  std::string_view view(int64_t begin, int64_t end) const;
  /// Says that bytes begin .. end - 1 are not needed for now: their pages leave the memory of the
  /// process. Whoever reads them again has them mapped again.
  void let_go(int64_t begin, int64_t end) const;

 private:
  void* bytes_ = nullptr;
  int64_t size_ = 0;
};

}  // namespace facet
