// Which tokens of a forward pass are edited.
#pragma once

#include <facet/rows.h>
#include <facet/value.h>

#include <string>
#include <vector>

namespace intervene {

/// "" when `value` says positions: a word of all, not_first, last, prompt, or a list of positions
/// from 0; else what is wrong with it.
std::string positions_problem(const facet::Value& value);

class Positions {
 public:
  /// value     as positions_problem() accepts it
  /// specials  tokens that the host added are edited as well
  Positions(const facet::Value& value, bool specials);

  /// [n] bool on the CPU. Pads never. `last` is the last token of each sequence in the pass that
  /// may be edited: under generation the newest alone. `prompt` are those flagged kPrompt.
  facet::Tensor of(const facet::Rows& rows) const;
  /// UserError when a listed position is not below `tokens`, the length of prompt number `prompt`.
  void check(int64_t tokens, size_t prompt) const;
  /// Whether a token that was edited in one pass is left alone in a later one.
  bool moves() const { return word_ == "last"; }

 private:
  std::string word_;           ///< "" with a list
  std::vector<int64_t> list_;  ///< ascending
  uint8_t keep_;
};

}  // namespace intervene
