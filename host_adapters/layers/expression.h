// Regular expressions of tokenizers, compiled by PCRE2.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace facet::layers {

/// An expression over UTF-8 with Unicode's properties. Hugging Face runs these with Oniguruma; what
/// Oniguruma and PCRE2 read differently is refused: \w \W \b \B \h \H \R \X, and a bracket or && in
/// a class. Copies share the compiled expression.
class Expression {
 public:
  /// UserError "where: ..." when it does not compile or is refused.
  Expression(std::string_view pattern, const std::string& where);

  /// The matches of one text, from left to right.
  class Search;

 private:
  struct Compiled;
  std::shared_ptr<const Compiled> compiled_;
};

class Expression::Search {
 public:
  /// `text` is valid UTF-8; it and the expression must outlive the search.
  Search(const Expression& expression, std::string_view text);
  ~Search();

  struct Match {
    size_t begin, end;
  };
  /// The next match; an empty one is left out where the last match ended. UserError naming the
  /// expression when PCRE2 gives up (an expression that backtracks without end).
  std::optional<Match> next();

 private:
  struct Found;
  const Compiled& compiled_;
  const std::string_view text_;
  std::unique_ptr<Found> found_;
  size_t from_ = 0;
  std::optional<size_t> last_end_;
};

}  // namespace facet::layers
