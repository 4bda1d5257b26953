// The tokenizer of hosts whose tokens are letters: one token a letter, a special before and one
// after.
#pragma once

#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "facet/host.h"

namespace facet::layers {

enum class UnknownLetter { error = 1, unk };
enum class LetterCase { keep = 1, upper };

/// Letters of a vocabulary. Tokens of several letters ("<mask>") are recognised where they stand in
/// a text.
class Letters {
 public:
  /// begin, end and unk are ids; unk may be -1 with UnknownLetter::error. `host` stands in front of
  /// messages.
  Letters(std::string host, const std::vector<std::string>& vocabulary, int64_t begin, int64_t end,
          int64_t unk, UnknownLetter unknown, LetterCase letter_case);

  /// HostModel::tokenize. A letter that is not in the vocabulary becomes one <unk> of its own, so
  /// that letter i is always token i + 1.
  Tokens tokenize(std::span<const std::string> texts) const;

 private:
  int64_t id_of(const std::string& text, size_t& at, size_t index) const;

  std::string host_;
  int64_t begin_, end_, unk_;
  UnknownLetter unknown_;
  LetterCase letter_case_;
  std::vector<int64_t> of_letter_;  // [256], -1: none
  std::vector<std::pair<std::string, int64_t>> longer_;
};

}  // namespace facet::layers
