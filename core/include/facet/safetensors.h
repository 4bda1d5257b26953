// Safetensors: strict, memory-mapped reading, and atomic writing.
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

/// A safetensors file, mapped read-only. Tensors share the mapping and keep it alive; do not write
/// to them. UserError "file: ..." when the file is cut short or its header lies (offsets out of
/// range, overlapping, or not covering the data; sizes that do not match shape and dtype; duplicate
/// names; a header over 100 MB).
class Safetensors {
 public:
  explicit Safetensors(const std::filesystem::path& file);

  std::vector<std::string> names() const;
  bool has(const std::string& name) const;
  const std::vector<int64_t>& sizes(const std::string& name) const;
  /// The tensor; UserError naming the file and the nearest names when it is not there.
  Tensor tensor(const std::string& name) const;
  /// The tensor as float32 of exactly `sizes`; UserError with both shapes when it has others.
  Tensor tensor(const std::string& name, const std::vector<int64_t>& sizes) const;
  const std::map<std::string, std::string>& metadata() const;
  const std::filesystem::path& file() const;

 private:
  struct Mapped;
  std::shared_ptr<const Mapped> mapped_;
};

using NamedTensors = std::vector<std::pair<std::string, Tensor>>;

/// Writes CPU copies of the tensors, in the given order, to a temporary file that then takes the
/// name `file`.
void save_safetensors(const std::filesystem::path& file, const NamedTensors& tensors,
                      const std::map<std::string, std::string>& metadata = {});

}  // namespace facet
