// Sequences that lie one after another without padding, and stretches of them that are computed
// together.
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "facet/host.h"

namespace facet::layers {

/// Whole sequences first .. last - 1, which are tokens begin .. end - 1 of a forward pass.
struct Stretch {
  int64_t first = 0, last = 0;
  int64_t begin = 0, end = 0;
};

/// Where each sequence of a forward pass begins, and what hooks are told of its tokens. Ids stay on
/// the CPU.
class Packed {
 public:
  /// `before` is how many tokens of each sequence came in earlier passes; empty: none.
  explicit Packed(const Tokens& tokens, std::vector<int64_t> before = {});

  int64_t tokens() const { return start_.back(); }
  int64_t sequences() const { return static_cast<int64_t>(start_.size()) - 1; }
  int64_t begin(int64_t sequence) const { return start_[static_cast<size_t>(sequence)]; }
  int64_t end(int64_t sequence) const { return start_[static_cast<size_t>(sequence) + 1]; }
  int64_t before(int64_t sequence) const { return before_[static_cast<size_t>(sequence)]; }
  /// Tokens of a sequence without the pads (kPad) at its end.
  int64_t real(int64_t sequence) const { return real_[static_cast<size_t>(sequence)]; }
  int64_t positions() const;  ///< one more than the highest position
  /// Tokens of a sequence that are not flagged kSpecial: [r] int64, counted from its begin.
  Tensor residues(int64_t sequence) const;
  /// [t] int64, from 0 at the first token of each sequence, in whatever pass it came.
  const Tensor& position() const { return position_; }
  /// One value a sequence [s] to one value a token [t].
  Tensor per_token(const Tensor& per_sequence) const;
  /// x [t, d] with the ids of its tokens.
  Rows rows(Tensor x) const;

  /// All sequences in stretches of about `tokens` tokens; at least one.
  std::vector<Stretch> stretches(int64_t tokens) const;

 private:
  std::vector<int64_t> start_, before_, real_;
  Tensor length_;    // [s] int64
  Tensor position_;  // [t] int64
  Rows ids_;         // x undefined
};

}  // namespace facet::layers
