// Finds the tokens of a merge.
#include "merge_names.h"

namespace facet::layers {

std::optional<TokenPair> pair_of_line(const std::string& line) {
  const size_t space = line.find(' ');
  if (space == 0 || space == std::string::npos || space + 1 == line.size()) return std::nullopt;
  if (line.find(' ', space + 1) != std::string::npos) return std::nullopt;
  return TokenPair(line.substr(0, space), line.substr(space + 1));
}

std::string add_merge(const TokenIds& ids, const TokenPair& pair, std::vector<Merge>& merges) {
  const auto left = ids.find(pair.first), right = ids.find(pair.second);
  for (const auto& [found, name] : {std::pair(left, &pair.first), std::pair(right, &pair.second)})
    if (found == ids.end()) return "\"" + *name + "\" is not in the vocabulary";
  const auto merged = ids.find(pair.first + pair.second);
  if (merged == ids.end())
    return "makes \"" + pair.first + pair.second + "\", which is not in the vocabulary";
  merges.push_back({left->second, right->second, merged->second});
  return "";
}

}  // namespace facet::layers
