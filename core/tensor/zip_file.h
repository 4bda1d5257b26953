// Where the files of a zip archive lie, for archives that hold them as they are.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "tensor/mapped_file.h"

namespace facet {

/// source  PKWARE's APPNOTE 6.3.10, 4.3 (layout) and 4.5.3 (zip64)
class ZipFile {
 public:
  /// Checks the directory in full. UserError naming the file when it is no zip archive, was cut
  /// short, spans several disks, or has an entry that is compressed, encrypted, named twice or that
  /// leaves the file.
  explicit ZipFile(const std::filesystem::path& file);

  const std::map<std::string, std::string_view>& entries() const { return entries_; }
  const std::filesystem::path& path() const { return path_; }
  const std::shared_ptr<const MappedFile>& bytes() const { return bytes_; }

 private:
  struct Directory {
    uint64_t offset, size, entries;
  };
  [[noreturn]] void refuse(const std::string& what) const;
  uint64_t number(uint64_t offset, int bytes) const;
  uint64_t end_of_directory() const;
  Directory directory() const;
  void read_entries(const Directory& where);
  uint64_t data_of(const std::string& name, uint64_t header, uint64_t size) const;

  std::filesystem::path path_;
  std::shared_ptr<const MappedFile> bytes_;
  std::map<std::string, std::string_view> entries_;
};

}  // namespace facet
