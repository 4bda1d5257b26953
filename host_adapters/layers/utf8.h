// UTF-8: where it is broken, what it says, and what is shown in place of broken bytes.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace facet::layers {

/// The byte at which a text stops being UTF-8 (no surrogates, no overlong forms), or npos.
size_t broken_utf8_at(std::string_view text);
/// The text with U+FFFD in place of each maximal broken part.
/// source: The Unicode Standard 16, 3.9, "U+FFFD substitution of maximal subparts".
std::string without_broken_utf8(std::string_view text);

/// The code point at byte `at` of valid UTF-8; `at` moves behind it.
char32_t next_code_point(std::string_view text, size_t& at);
std::string utf8_of(char32_t code_point);

/// Unicode's White_Space.
bool is_white_space(char32_t code_point);

}  // namespace facet::layers
