// Safetensors: strict, memory-mapped reading, whole or in shards, and atomic writing.
#pragma once

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace facet {

using at::Tensor;

/// A checkpoint: one safetensors file, or several that present one set of names. Files are mapped
/// read-only; tensors share the mapping and keep it alive; do not write to them.
///
/// dtypes  F64 F32 F16 BF16 F8_E4M3 F8_E5M2 F8_E8M0 I64 I32 I16 I8 U64 U32 U16 U8 BOOL C64; F4 and
///         F6, which LibTorch cannot hold, are refused
/// source  the format as in huggingface/safetensors README.md; the index of shards as transformers
///         writes it
class Safetensors {
 public:
  /// path  a safetensors file; an index of shards ("model.safetensors.index.json", known by its
  ///       ending .json); or a folder with model.safetensors or, where there is none, that index.
  ///
  /// UserError naming file and tensor when a file is cut short or its header lies: a header over
  /// 100 MB (refused unread), no JSON object, a duplicate name, an unknown dtype, a size that does
  /// not match shape and dtype, data that overlap, leave a gap or leave the file. Of an index, all
  /// together: a shard that is missing or lies outside the index's folder, a tensor that its shard
  /// lacks. What a shard holds beyond the index is not seen.
  explicit Safetensors(const std::filesystem::path& path);

  std::vector<std::string> names() const;  ///< sorted
  bool has(const std::string& name) const;
  const std::vector<int64_t>& sizes(const std::string& name) const;
  /// The tensor; UserError naming the file and the nearest names when it is not there.
  Tensor tensor(const std::string& name) const;
  /// The tensor as float32 of exactly `sizes`; UserError with both shapes when it has others.
  Tensor tensor(const std::string& name, const std::vector<int64_t>& sizes) const;
  /// __metadata__ of the file; of several, the first that has a key gives its value.
  const std::map<std::string, std::string>& metadata() const;
  const std::filesystem::path& file() const;                ///< the file or index that was read
  const std::vector<std::filesystem::path>& files() const;  ///< those that hold tensors

 private:
  struct Opened;
  std::shared_ptr<const Opened> opened_;
};

using NamedTensors = std::vector<std::pair<std::string, Tensor>>;

/// Writes CPU copies of the tensors, in the given order, to a temporary file that then takes the
/// name `file`.
void save_safetensors(const std::filesystem::path& file, const NamedTensors& tensors,
                      const std::map<std::string, std::string>& metadata = {});

}  // namespace facet
