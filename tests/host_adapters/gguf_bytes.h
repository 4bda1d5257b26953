// Writes GGUF files for tests, byte by byte, right ones and wrong ones.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

namespace facet {

/// Collects little-endian bytes.
class GgufBytes {
 public:
  template <class T>
  GgufBytes& put(T value) {
    char raw[sizeof value];
    std::memcpy(raw, &value, sizeof value);
    bytes_.append(raw, sizeof value);
    return *this;
  }
  GgufBytes& text(const std::string& value) {
    put<uint64_t>(value.size());
    bytes_ += value;
    return *this;
  }
  GgufBytes& header(uint32_t version, uint64_t tensors, uint64_t entries) {
    bytes_ += "GGUF";
    return put(version).put(tensors).put(entries);
  }
  /// A key and the type of its value: 4 uint32, 8 text, 9 array.
  GgufBytes& key(const std::string& name, uint32_t type) { return text(name).put(type); }
  /// sizes: the innermost first; type: 0 F32, 8 Q8_0.
  GgufBytes& tensor(const std::string& name, const std::vector<uint64_t>& sizes, uint32_t type,
                    uint64_t offset) {
    text(name).put(static_cast<uint32_t>(sizes.size()));
    for (const uint64_t size : sizes) put(size);
    return put(type).put(offset);
  }
  /// Zeros up to a multiple of `alignment`, then `size` more.
  GgufBytes& data(size_t size, size_t alignment = 32) {
    bytes_.resize((bytes_.size() + alignment - 1) / alignment * alignment + size);
    return *this;
  }
  const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
};

}  // namespace facet
