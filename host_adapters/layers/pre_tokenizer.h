// Splits a text into the pieces that are merged each by itself.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "expression.h"

namespace facet::layers {

/// The expressions of known pre-tokenizers.
namespace expressions {
/// source: Radford et al. 2019, GPT-2, encoder.py.
extern const char* const kGpt2;
/// source: Llama 3, tokenizer.py.
extern const char* const kLlama3;
/// A digit of any script, and a run of them. Hugging Face's Digits knows Unicode 17.
extern const char* const kDigit;
extern const char* const kDigits;
}  // namespace expressions

/// Steps that cut each piece of the step before: what an expression matches becomes a piece, and so
/// does what lies between two matches.
class PreTokenizer {
 public:
  /// A space is put in front of each piece that has none, before the last step.
  enum class Prefix { none = 1, space };

  /// words: the expression of a last step that follows the prefix; none when it is not there.
  PreTokenizer(std::vector<Expression> steps, Prefix prefix, std::optional<Expression> words);

  using OnPiece = std::function<void(std::string_view piece)>;
  /// Gives the pieces of valid UTF-8, from left to right, none of them empty.
  void split(std::string_view text, const OnPiece& on_piece) const;

 private:
  // The text as it is, and as the expressions see it: the same number of bytes.
  struct Piece {
    std::string_view text, seen;
  };
  void split_from(size_t step, Piece piece, const OnPiece& on_piece) const;
  void split_words(Piece piece, const OnPiece& on_piece) const;

  std::vector<Expression> steps_;
  Prefix prefix_;
  std::optional<Expression> words_;
};

}  // namespace facet::layers
