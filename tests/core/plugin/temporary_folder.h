// A folder that is removed with the test that made it.
#pragma once

#include <unistd.h>

#include <filesystem>
#include <string>

#include "base/files.h"

class TemporaryFolder {
 public:
  TemporaryFolder()
      : path_(std::filesystem::temp_directory_path() /
              ("facet_plugin_test." + std::to_string(getpid()))) {
    std::filesystem::create_directories(path_);
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path write(const std::string& name, const std::string& bytes) const {
    facet::write_file(path_ / name, bytes);
    return path_ / name;
  }
  std::filesystem::path copy(const std::filesystem::path& file) const {
    std::filesystem::copy_file(file, path_ / file.filename());
    return path_ / file.filename();
  }

 private:
  std::filesystem::path path_;
};
