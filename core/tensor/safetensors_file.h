// One mapped safetensors file with its header checked: what facet/safetensors.h is made of.
#pragma once

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace facet {

/// Bytes of the number in front of the header: its length.
inline constexpr int64_t kHeaderLengthBytes = 8;

/// The format's name of a dtype; FACET_ASSERTs that there is one.
const char* safetensors_dtype(at::ScalarType type);

/// "[2, 3]".
std::string shape_text(const std::vector<int64_t>& sizes);

class SafetensorsFile : public std::enable_shared_from_this<SafetensorsFile> {
 public:
  struct Entry {
    at::ScalarType dtype = at::kFloat;
    std::vector<int64_t> sizes;
    int64_t begin = 0;  ///< of the data section
    int64_t end = 0;
  };

  /// Maps the file and checks its header in full; UserError as in facet/safetensors.h.
  static std::shared_ptr<const SafetensorsFile> open(const std::filesystem::path& file);
  ~SafetensorsFile();

  const std::filesystem::path& path() const { return path_; }
  const std::map<std::string, Entry>& entries() const { return entries_; }
  const std::map<std::string, std::string>& metadata() const { return metadata_; }
  /// A tensor on the mapping, which it keeps alive; data that lie askew are copied. Pages that were
  /// read through it are let go when it dies.
  at::Tensor tensor(const Entry& entry) const;

 private:
  explicit SafetensorsFile(const std::filesystem::path& file);

  [[noreturn]] void refuse(const std::string& what) const;
  void read_header();
  void read_metadata(const class Value& value);
  void check_cover() const;

  std::filesystem::path path_;
  std::unique_ptr<const class MappedFile> bytes_;
  int64_t data_ = 0;  // where the data section begins
  std::map<std::string, Entry> entries_;
  std::map<std::string, std::string> metadata_;
};

}  // namespace facet
