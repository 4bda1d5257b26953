// Runs one step inside the other, so that no list of pieces is made.
#include "pre_tokenizer.h"

#include <utility>

#include "newer_unicode.h"

namespace facet::layers {

namespace {

// Calls on_part(begin, end) with each match and each gap between matches.
template <class OnPart>
void for_each_part(const Expression& expression, std::string_view text, OnPart&& on_part) {
  size_t at = 0;
  Expression::Search search(expression, text);
  while (const auto match = search.next()) {
    if (at < match->begin) on_part(at, match->begin);
    if (match->begin < match->end) on_part(match->begin, match->end);
    at = match->end;
  }
  if (at < text.size()) on_part(at, text.size());
}

}  // namespace

namespace expressions {
const char* const kGpt2 =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";
const char* const kLlama3 = R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}|)"
                            R"( ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
const char* const kDigit = R"([\p{N}\x{11DE0}-\x{11DE9}\x{16FF4}-\x{16FF6}])";
const char* const kDigits = R"([\p{N}\x{11DE0}-\x{11DE9}\x{16FF4}-\x{16FF6}]+)";
}  // namespace expressions

PreTokenizer::PreTokenizer(std::vector<Expression> steps, Prefix prefix,
                           std::optional<Expression> words)
    : steps_(std::move(steps)), prefix_(prefix), words_(std::move(words)) {}

void PreTokenizer::split(std::string_view text, const OnPiece& on_piece) const {
  std::string known;
  const bool newer = stand_in_for_newer(text, known);
  split_from(0, {text, newer ? std::string_view(known) : text}, on_piece);
}

void PreTokenizer::split_from(size_t step, Piece piece, const OnPiece& on_piece) const {
  if (step < steps_.size()) {
    for_each_part(steps_[step], piece.seen, [&](size_t begin, size_t end) {
      const size_t size = end - begin;
      split_from(step + 1, {piece.text.substr(begin, size), piece.seen.substr(begin, size)},
                 on_piece);
    });
  } else if (prefix_ == Prefix::space && !piece.text.starts_with(' ')) {
    const std::string text = " " + std::string(piece.text), seen = " " + std::string(piece.seen);
    split_words({text, seen}, on_piece);
  } else {
    split_words(piece, on_piece);
  }
}

void PreTokenizer::split_words(Piece piece, const OnPiece& on_piece) const {
  if (!words_) {
    on_piece(piece.text);
    return;
  }
  for_each_part(*words_, piece.seen,
                [&](size_t begin, size_t end) { on_piece(piece.text.substr(begin, end - begin)); });
}

}  // namespace facet::layers
