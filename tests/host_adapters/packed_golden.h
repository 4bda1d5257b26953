// Goldens of tokenizers: strings and ids packed by tests/golden/tokenizers/make_tokenizers.py.
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "data/byte_source.h"

namespace facet {

/// The bytes of a zstd file of tests/golden/tokenizers.
inline std::string unpacked(const std::string& name) {
  const auto source = open_bytes(FACET_TEST_DATA "/tokenizers/" + name);
  std::string out;
  std::array<char, 1 << 16> part = {};
  while (const size_t size = source->read(part.data(), part.size())) out.append(part.data(), size);
  return out;
}

/// Reads packed strings and ids one after another.
class PackedGolden {
 public:
  explicit PackedGolden(const std::string& name) : bytes_(unpacked(name)) {}

  bool more() const { return at_ < bytes_.size(); }
  int64_t number() {
    int64_t value = 0;
    for (int shift = 0;; shift += 7) {
      const auto byte = static_cast<unsigned char>(bytes_.at(at_++));
      value |= static_cast<int64_t>(byte & 0x7F) << shift;
      if (byte < 0x80) return value;
    }
  }
  std::string text() {
    const size_t size = static_cast<size_t>(number());
    at_ += size;
    return bytes_.substr(at_ - size, size);
  }
  std::vector<int64_t> ids() {
    std::vector<int64_t> out(static_cast<size_t>(number()));
    for (int64_t& id : out) id = number();
    return out;
  }

 private:
  std::string bytes_;
  size_t at_ = 0;
};

}  // namespace facet
