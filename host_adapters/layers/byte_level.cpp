// Builds the alphabet: bytes that print stand for themselves, the others follow from U+0100 on.
#include "byte_level.h"

#include <array>
#include <cstdint>

#include "utf8.h"

namespace facet::layers {

namespace {

constexpr size_t kLetters = 0x100 + 68;  // 68 bytes do not print

struct Alphabet {
  std::array<std::string, 256> letter;
  std::array<int16_t, kLetters> byte;  // of a code point; -1: none

  Alphabet() {
    byte.fill(-1);
    char32_t next = 0x100;
    for (char32_t b = 0; b < 256; ++b) {
      const bool prints = (b >= 0x21 && b <= 0x7E) || (b >= 0xA1 && b <= 0xFF && b != 0xAD);
      const char32_t code_point = prints ? b : next++;
      letter[b] = utf8_of(code_point);
      byte[code_point] = static_cast<int16_t>(b);
    }
  }
};

const Alphabet& alphabet() {
  static const Alphabet built;
  return built;
}

}  // namespace

std::string byte_letters(std::string_view bytes) {
  std::string out;
  for (const char byte : bytes) out += alphabet().letter[static_cast<unsigned char>(byte)];
  return out;
}

std::string bytes_of_letters(std::string_view letters) {
  std::string out;
  for (size_t at = 0; at < letters.size();) {
    const char32_t code_point = next_code_point(letters, at);
    const int byte = code_point < kLetters ? alphabet().byte[code_point] : -1;
    if (byte < 0) return std::string(letters);
    out += static_cast<char>(byte);
  }
  return out;
}

}  // namespace facet::layers
