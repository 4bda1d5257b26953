// Code points that the tokenizers of Hugging Face know and an older PCRE2 does not.
#pragma once

#include <string>
#include <string_view>

namespace facet::layers {

/// PCRE2 10.42 knows Unicode 14; the expressions of `tokenizers` 0.23 are run by an Oniguruma that
/// knows Unicode 16. Writes into `known` the text with each code point on which they differ
/// replaced by one of the same general category and the same number of bytes that both know, so
/// that offsets stay. False, and `known` untouched, when the text, valid UTF-8, has none of them.
bool stand_in_for_newer(std::string_view text, std::string& known);

}  // namespace facet::layers
