// SHA-256 of bytes, files and folders.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>

namespace facet {

class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256& add(const void* bytes, size_t size);
  Sha256& add(const std::string& bytes) { return add(bytes.data(), bytes.size()); }
  /// 64 lower-case hex digits; the object is finished afterwards.
  std::string hex();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

std::string sha256(const std::string& bytes);
/// Of a file's contents; of a folder: of the sorted relative names and contents of the files under
/// it. UserError when it cannot be read.
std::string sha256_path(const std::filesystem::path& path);

}  // namespace facet
