// One array of NumPy's own format (.npy), memory-mapped, with its header checked.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "tensor/mapped_file.h"

namespace facet {

/// source  NumPy, numpy/lib/format.py: versions 1.0, 2.0 and 3.0
class NpyFile {
 public:
  /// UserError naming the file when it is no .npy file or was cut short; when its numbers are none
  /// of <f4, <f8, <i4, <i8 (objects are pickles, which are never read), or stand in Fortran order.
  explicit NpyFile(const std::filesystem::path& file);

  const std::filesystem::path& path() const { return path_; }
  at::ScalarType type() const { return type_; }
  const std::vector<int64_t>& sizes() const { return sizes_; }
  /// The numbers on the mapping, which the tensor keeps alive.
  at::Tensor tensor() const;

 private:
  [[noreturn]] void refuse(const std::string& what) const;
  std::string header();
  void check_length(int64_t item_bytes) const;

  std::filesystem::path path_;
  std::shared_ptr<const MappedFile> bytes_;
  int64_t data_ = 0;  // where the numbers begin
  at::ScalarType type_ = at::kFloat;
  std::vector<int64_t> sizes_;
};

}  // namespace facet
