// SafetensorsWriter: a file whose tensors grow by rows, so that it may be larger than the memory.
#pragma once

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/files.h"

namespace facet {

using at::Tensor;

/// What a safetensors header says of one tensor; begin and end are bytes of the data section.
struct HeaderEntry {
  std::string name;
  at::ScalarType dtype = at::kFloat;
  std::vector<int64_t> sizes;
  int64_t begin = 0;
  int64_t end = 0;
};
/// The header without its length, padded with spaces to a multiple of 8 bytes.
std::string safetensors_header(const std::vector<HeaderEntry>& entries,
                               const std::map<std::string, std::string>& metadata);

inline constexpr int64_t kRowsUnknown = -1;

/// A tensor that is written row by row along its first axis.
struct GrowingTensor {
  std::string name;
  at::ScalarType dtype = at::kFloat;
  std::vector<int64_t> row;     ///< sizes of one row: [d] for rows of width d, [] for numbers
  int64_t rows = kRowsUnknown;  ///< unknown: kept in a file beside until commit()
};

/// Nothing is left of a writer that is not committed. UserError "file: cannot write: <why>" from
/// each call that fails.
class SafetensorsWriter {
 public:
  SafetensorsWriter(std::filesystem::path file, std::vector<GrowingTensor> tensors,
                    std::map<std::string, std::string> metadata);

  /// Appends rows [n, row...] to the tensor.
  void add(const std::string& name, const Tensor& rows);
  /// FACET_ASSERTs that every tensor of known length is full; then the file takes its name.
  void commit();

 private:
  struct Growing {
    GrowingTensor tensor;
    int64_t row_bytes = 0;
    int64_t written = 0;                // bytes
    int64_t begin = 0;                  // in the data section; only of known length
    std::unique_ptr<FileWriter> aside;  // only of unknown length
  };
  std::vector<HeaderEntry> entries(int64_t rows_of_unknown) const;

  std::filesystem::path file_;
  std::vector<Growing> tensors_;  // those of known length first
  std::map<std::string, std::string> metadata_;
  FileWriter out_;
  size_t header_bytes_ = 0;  // room kept for it
};

}  // namespace facet
