// Tokens written for eyes, in columns.
#pragma once

#include <cstdint>
#include <string>

#include "facet/host.h"

namespace facet::cli {

/// Every token of the vocabulary is one letter, or stands in < >: sequences are counted in
/// residues.
bool is_of_letters(const HostInfo& info);
/// What a token spells, with white space to be seen: "·the", "↵", "→"; as the vocabulary has it
/// where that is no whole character, or one that cannot be seen.
std::string shown_token(const HostModel& host, int64_t id);
/// `text` and spaces up to `width` characters of UTF-8.
std::string padded(const std::string& text, size_t width);
/// Characters of UTF-8.
size_t width_of(const std::string& text);

}  // namespace facet::cli
