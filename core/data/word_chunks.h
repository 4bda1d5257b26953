// Texts cut into pieces of so many words.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace facet {

/// The words of `text`, which white space of Unicode parts (Python's str.split), joined by one
/// space, `words` of them a piece; the last has the rest. None for a text without words.
///
/// source  RouteSAE-repro, src/data.py: the loader's chunks
std::vector<std::string> word_chunks(const std::string& text, int64_t words);

}  // namespace facet
