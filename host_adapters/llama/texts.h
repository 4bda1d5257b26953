// Texts as the tokens that a pass is given: specials, the context, and pads for comparisons.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "bpe.h"
#include "facet/host.h"

namespace facet::llama {

struct TextPolicy {
  std::vector<int64_t> begin, end;  ///< ids around each text, flagged kSpecial
  int64_t context = 0;              ///< longest sequence in tokens, specials counted
  bool truncate = false;            ///< a longer one loses the end of its text, or is refused
  int64_t padded = 0;               ///< tokens that each text has at least, by pads at its end
  int64_t pad = -1;                 ///< their id, flagged kPad
};

/// HostModel::tokenize. A text without any token gets no pads either.
Tokens tokenize(const layers::Bpe& bpe, const TextPolicy& policy,
                std::span<const std::string> texts);

}  // namespace facet::llama
