// Reads UTF-8 one character at a time.
#include "code_points.h"

#include <algorithm>
#include <cstdint>

namespace {

constexpr char kReplacement[] = "\xEF\xBF\xBD";

struct CodePoint {
  uint32_t value = 0;
  size_t bytes = 0;   // read
  bool whole = true;  // else broken: as many bytes as could have begun a character
};

// The second byte has narrower bounds after E0, ED, F0 and F4 (Unicode 15, table 3-7).
CodePoint code_point_at(const std::string& text, size_t at) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  const uint8_t first = byte(at);
  if (first < 0x80) return {first, 1, true};
  if (first < 0xC2 || first > 0xF4) return {0, 1, false};
  const size_t length = first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
  uint32_t value = first & (0xFF >> (length + 1));
  for (size_t i = 1; i < length; ++i) {
    uint8_t low = 0x80, high = 0xBF;
    if (i == 1 && first == 0xE0) low = 0xA0;
    if (i == 1 && first == 0xED) high = 0x9F;
    if (i == 1 && first == 0xF0) low = 0x90;
    if (i == 1 && first == 0xF4) high = 0x8F;
    if (at + i >= text.size() || byte(at + i) < low || byte(at + i) > high) return {0, i, false};
    value = value << 6 | (byte(at + i) & 0x3F);
  }
  return {value, length, true};
}

bool is_space(uint32_t c) {
  return (c >= 0x09 && c <= 0x0D) || (c >= 0x1C && c <= 0x20) || c == 0x85 || c == 0xA0 ||
         c == 0x1680 || (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F ||
         c == 0x205F || c == 0x3000;
}

// One below U+0180.
std::string utf8(uint32_t c) {
  if (c < 0x80) return std::string(1, static_cast<char>(c));
  return {static_cast<char>(0xC0 | c >> 6), static_cast<char>(0x80 | (c & 0x3F))};
}

std::string lower_of(uint32_t c) {
  if (c == 0x130) return "i\xCC\x87";  // of two characters
  if (c == 0x178) return utf8(0xFF);
  const bool letter = (c >= 'A' && c <= 'Z') || (c >= 0xC0 && c <= 0xDE && c != 0xD7);
  if (letter) return utf8(c + 0x20);
  const bool even_is_upper = (c >= 0x100 && c <= 0x137) || (c >= 0x14A && c <= 0x177);
  const bool odd_is_upper = (c >= 0x139 && c <= 0x148) || (c >= 0x179 && c <= 0x17E);
  if ((even_is_upper && c % 2 == 0) || (odd_is_upper && c % 2 == 1)) return utf8(c + 1);
  return utf8(c);
}

}  // namespace

std::string whole_text(const std::string& bytes) {
  std::string out;
  for (size_t at = 0; at < bytes.size();) {
    const CodePoint c = code_point_at(bytes, at);
    out += c.whole ? bytes.substr(at, c.bytes) : kReplacement;
    at += c.bytes;
  }
  return out;
}

std::string stripped(const std::string& text) {
  size_t begin = text.size(), end = 0;
  for (size_t at = 0; at < text.size();) {
    const CodePoint c = code_point_at(text, at);
    if (!c.whole || !is_space(c.value)) {
      begin = std::min(begin, at);
      end = at + c.bytes;
    }
    at += c.bytes;
  }
  return begin < end ? text.substr(begin, end - begin) : "";
}

std::string lowered(const std::string& text) {
  std::string out;
  for (size_t at = 0; at < text.size();) {
    const CodePoint c = code_point_at(text, at);
    out += c.whole && c.value < 0x180 ? lower_of(c.value) : text.substr(at, c.bytes);
    at += c.bytes;
  }
  return out;
}
