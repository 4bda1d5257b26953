// The types of a GGUF file's tensors, and how those that are read become float32.
#pragma once

#include <c10/core/ScalarType.h>

#include <cstdint>
#include <string>

namespace facet::llama {

/// A type that is read. Its values lie in blocks.
struct GgmlType {
  const char* name;
  int64_t values, bytes;                          ///< of a block
  at::ScalarType whole;                           ///< of a block that is one plain value
  void (*unpack)(const char* block, float* out);  ///< writes `values` floats; nullptr: plain values
};

/// source: ggml/include/ggml.h, ggml_type; "" of a number that is none, or no more.
std::string ggml_type_name(uint32_t type);
/// nullptr when it is not read.
const GgmlType* find_ggml_type(uint32_t type);
/// "F32, F16, BF16, Q8_0, Q4_0, Q4_1"
std::string readable_ggml_types();

}  // namespace facet::llama
