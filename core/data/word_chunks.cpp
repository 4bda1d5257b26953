// Finds white space in UTF-8.
#include "data/word_chunks.h"

#include <array>
#include <string_view>

namespace facet {
namespace {

// U+0085, U+00A0, U+1680, U+2000 to U+200A, U+2028, U+2029, U+202F, U+205F and U+3000.
constexpr std::array<std::string_view, 19> kLongSpaces = {
    "\xC2\x85",     "\xC2\xA0",     "\xE1\x9A\x80", "\xE2\x80\x80", "\xE2\x80\x81",
    "\xE2\x80\x82", "\xE2\x80\x83", "\xE2\x80\x84", "\xE2\x80\x85", "\xE2\x80\x86",
    "\xE2\x80\x87", "\xE2\x80\x88", "\xE2\x80\x89", "\xE2\x80\x8A", "\xE2\x80\xA8",
    "\xE2\x80\xA9", "\xE2\x80\xAF", "\xE2\x81\x9F", "\xE3\x80\x80"};

// Bytes of the white space that begins at `at`; 0: none does.
size_t space_at(std::string_view text, size_t at) {
  const auto byte = static_cast<unsigned char>(text[at]);
  if (byte < 0x80) return (byte >= 0x09 && byte <= 0x0D) || (byte >= 0x1C && byte <= 0x20) ? 1 : 0;
  for (const std::string_view space : kLongSpaces)
    if (text.substr(at, space.size()) == space) return space.size();
  return 0;
}

}  // namespace

std::vector<std::string> word_chunks(const std::string& text, int64_t words) {
  std::vector<std::string> out;
  int64_t in_chunk = words;  // words in the last piece
  bool in_word = false;
  for (size_t at = 0; at < text.size();) {
    if (const size_t space = space_at(text, at)) {
      in_word = false;
      at += space;
      continue;
    }
    if (!in_word && in_chunk == words) {
      out.emplace_back();
      in_chunk = 0;
    }
    if (!in_word && in_chunk++ > 0) out.back() += ' ';
    in_word = true;
    out.back() += text[at++];
  }
  return out;
}

}  // namespace facet
