// What the conformance checks of SAEs look at: rows to code, an SAE's state, and tensors side by
// side.
#pragma once

#include <filesystem>
#include <string>

#include "facet/sae.h"
#include "facet/safetensors.h"

namespace facet {

/// Batch `number` of n rows, normally distributed: the same every time.
Batch make_rows(const Shape& shape, int64_t n, int64_t number);
Batch rows_of(const Batch& batch, int64_t begin, int64_t end);

/// Parameters and buffers, by name.
NamedTensors state_of(const Sae& sae);
NamedTensors copy_of_state(const Sae& sae);
/// The name of the first tensor whose bits differ, or "".
std::string first_difference(const NamedTensors& a, const NamedTensors& b);

bool finite(const Tensor& x);
/// Largest |a - b| relative to the largest |a|, or to 1 when that is smaller.
double distance(const Tensor& a, const Tensor& b);
/// "what: is [16, 32], should be [32, 16]", or "".
std::string wrong_sizes(const std::string& what, const Tensor& tensor, at::IntArrayRef should);

/// A folder that goes away with the object.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace facet
