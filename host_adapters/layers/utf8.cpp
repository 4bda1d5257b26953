// Walks UTF-8 by the table of well-formed sequences.
#include "utf8.h"

#include <algorithm>

namespace facet::layers {

namespace {

struct SequenceAt {
  size_t length = 1;  // of the sequence, or of the broken part
  bool whole = false;
};

// source: The Unicode Standard 16, table 3-7: only the second byte has limits of its own.
SequenceAt sequence_at(std::string_view text, size_t at) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(at);
  if (lead < 0x80) return {1, true};
  if (lead < 0xC2 || lead > 0xF4) return {1, false};
  const size_t length = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  const unsigned char low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
  const unsigned char high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
  for (size_t i = 1; i < length; ++i) {
    const bool second = i == 1;
    if (at + i >= text.size() || byte(at + i) < (second ? low : 0x80) ||
        byte(at + i) > (second ? high : 0xBF))
      return {i, false};
  }
  return {length, true};
}

}  // namespace

size_t broken_utf8_at(std::string_view text) {
  for (size_t at = 0; at < text.size();) {
    const SequenceAt sequence = sequence_at(text, at);
    if (!sequence.whole) return at;
    at += sequence.length;
  }
  return std::string_view::npos;
}

std::string without_broken_utf8(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t at = 0; at < text.size();) {
    const SequenceAt sequence = sequence_at(text, at);
    out += sequence.whole ? text.substr(at, sequence.length) : "\xEF\xBF\xBD";
    at += sequence.length;
  }
  return out;
}

char32_t next_code_point(std::string_view text, size_t& at) {
  const auto byte = [&](size_t i) {
    return static_cast<char32_t>(static_cast<unsigned char>(text[i]));
  };
  const char32_t lead = byte(at);
  const size_t length = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  char32_t code_point = length == 1 ? lead : lead & (0x7F >> length);
  for (size_t i = 1; i < length; ++i) code_point = code_point << 6 | (byte(at + i) & 0x3F);
  at += length;
  return code_point;
}

std::string utf8_of(char32_t code_point) {
  std::string out;
  const auto put = [&](char32_t byte) { out += static_cast<char>(byte); };
  if (code_point < 0x80) {
    put(code_point);
    return out;
  }
  const int rest = code_point < 0x800 ? 1 : code_point < 0x10000 ? 2 : 3;
  put((0xFF00 >> (rest + 1) & 0xFF) | code_point >> 6 * rest);
  for (int i = rest - 1; i >= 0; --i) put(0x80 | (code_point >> 6 * i & 0x3F));
  return out;
}

bool is_white_space(char32_t code_point) {
  constexpr char32_t kSpaces[] = {0x20, 0x85, 0xA0, 0x1680, 0x2028, 0x2029, 0x202F, 0x205F, 0x3000};
  return (code_point >= 0x9 && code_point <= 0xD) ||
         (code_point >= 0x2000 && code_point <= 0x200A) ||
         std::find(std::begin(kSpaces), std::end(kSpaces), code_point) != std::end(kSpaces);
}

}  // namespace facet::layers
