// Merges as files write them, by the raw strings of their tokens.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "merges.h"

namespace facet::layers {

using TokenIds = std::unordered_map<std::string, int32_t>;
using TokenPair = std::pair<std::string, std::string>;

/// "Ġt he" as ("Ġt", "he"); none when it is not two tokens with one space between them.
std::optional<TokenPair> pair_of_line(const std::string& line);
/// Appends the merge of a pair; what is wrong when it or what it makes is no token, or "".
std::string add_merge(const TokenIds& ids, const TokenPair& pair, std::vector<Merge>& merges);

}  // namespace facet::layers
