// The tokenizer of hosts whose tokens are letters: one token a letter, specials before and after.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "facet/host.h"

namespace facet::layers {

struct LetterPolicy {
  std::string host;                ///< stands in front of messages
  int64_t begin = -1, end = -1;    ///< ids added before and after each text; -1: none
  int64_t unknown = -1;            ///< id of a letter outside the vocabulary; -1: an error
  int64_t longest = 0;             ///< letters of a text; 0: no limit
  std::string longer_advice = {};  ///< ends the message on a longer text
  std::map<int64_t, std::string> bars = {};  ///< ids that a text may not spell out, and why
};

/// Letters of a vocabulary. Tokens of several letters ("<mask>") are recognised where they stand in
/// a text, and count as one letter.
class Letters {
 public:
  Letters(LetterPolicy policy, const std::vector<std::string>& vocabulary);

  /// HostModel::tokenize. A letter that is not in the vocabulary becomes one unknown of its own, so
  /// that letter i (from 0) is always token i, or i + 1 after a special.
  Tokens tokenize(std::span<const std::string> texts) const;

 private:
  int64_t id_of(const std::string& text, size_t& at, const std::string& where) const;

  LetterPolicy policy_;
  std::vector<int64_t> of_letter_;  // [256], -1: none
  std::vector<std::pair<std::string, int64_t>> longer_;
};

}  // namespace facet::layers
