// The alphabet of byte-level tokens: a printable character for each byte.
#pragma once

#include <string>
#include <string_view>

namespace facet::layers {

/// "Ġthe" for " the".
/// source: Radford et al. 2019, GPT-2, encoder.py, bytes_to_unicode.
std::string byte_letters(std::string_view bytes);
/// " the" for "Ġthe", valid UTF-8; a string with any character outside the alphabet is returned as
/// it is.
std::string bytes_of_letters(std::string_view letters);

}  // namespace facet::layers
