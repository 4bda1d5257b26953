// GGUF, the file format of llama.cpp: strict, memory-mapped reading of metadata and tensors.
#pragma once

#include <ATen/core/Tensor.h>
#include <facet/value.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace facet::llama {

/// A GGUF file of version 2 or 3, little-endian. Its bytes are mapped and read when they are asked
/// for.
///
/// types   F32, F16, BF16, Q8_0, Q4_0, Q4_1; all others are refused by name
/// source  ggml, docs/gguf.md; blocks as in ggml-quants.c, dequantize_row_*
class GgufFile {
 public:
  /// UserError naming file, key or tensor, and what is wrong, when it is no such file: another
  /// version; cut short anywhere; counts and lengths beyond the file (nothing is allocated for
  /// them); arrays of arrays; types that are not known; keys or tensors that stand twice; tensors
  /// that have no, or more than four, dimensions, more elements than an int64 counts or no whole
  /// number of blocks in a row, or whose data are not aligned, overlap or leave the file.
  explicit GgufFile(const std::filesystem::path& file);

  const std::filesystem::path& file() const { return file_; }

  /// The metadata but for arrays: a table "llama.block_count" -> integer. Its origin is the file,
  /// so that metadata().integer("...") says "file: ...: missing". An integer beyond int64 is a
  /// double.
  const Value& metadata() const { return metadata_; }
  /// Arrays of the metadata; UserError "file: KEY: ..." when there is none, or one of another kind.
  const std::vector<std::string>& strings(const std::string& key) const;
  const std::vector<int64_t>& integers(const std::string& key) const;
  const std::vector<double>& numbers(const std::string& key) const;
  /// Whether the metadata have the key, as a single value or as an array.
  bool has_key(const std::string& key) const;

  std::vector<std::string> names() const;  ///< of the tensors, sorted
  bool has(const std::string& name) const { return tensors_.contains(name); }
  /// Sizes in the order of torch: [rows, columns]. UserError with the nearest names when it is not
  /// there, as from tensor().
  const std::vector<int64_t>& sizes(const std::string& name) const;
  /// "Q4_1": the type of the tensor in the file.
  std::string type(const std::string& name) const;
  /// The tensor as float32. One that is float32 in the file shares the mapping and keeps it alive.
  at::Tensor tensor(const std::string& name) const;
  /// The same of exactly `sizes`; UserError with both shapes when it has others.
  at::Tensor tensor(const std::string& name, const std::vector<int64_t>& sizes) const;

 private:
  class Cursor;
  struct Entry {
    uint32_t type = 0;
    std::vector<int64_t> sizes;
    int64_t begin = 0, end = 0;  // of its bytes in the file
  };
  void read_entry(Cursor& cursor);
  void read_array(Cursor& cursor, const std::string& key);
  void read_tensor(Cursor& cursor);
  void place_tensors(int64_t header);
  void check_overlaps() const;
  template <class Array>
  const Array& array(const std::map<std::string, Array>& arrays, const std::string& key,
                     const char* of) const;
  const Entry& entry(const std::string& name) const;
  [[noreturn]] void refuse(const std::string& what) const;

  std::filesystem::path file_;
  at::Tensor bytes_;  // [file] uint8, mapped
  Value metadata_;
  std::map<std::string, std::vector<std::string>> strings_;
  std::map<std::string, std::vector<int64_t>> integers_;
  std::map<std::string, std::vector<double>> numbers_;
  std::map<std::string, Entry> tensors_;
};

}  // namespace facet::llama
