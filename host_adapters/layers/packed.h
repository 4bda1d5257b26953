// Sequences that lie one after another without padding, and the walk along a host's hookpoints.
#pragma once

#include <ATen/core/Tensor.h>

#include <span>
#include <vector>

#include "facet/host.h"

namespace facet::layers {

/// Where each sequence of a forward pass begins, and what hooks are told of its tokens. Ids stay on the CPU.
class Packed {
 public:
  explicit Packed(const Tokens& tokens);

  int64_t tokens() const { return start_.back(); }
  int64_t sequences() const { return static_cast<int64_t>(start_.size()) - 1; }
  int64_t begin(int64_t sequence) const { return start_[static_cast<size_t>(sequence)]; }
  int64_t end(int64_t sequence) const { return start_[static_cast<size_t>(sequence) + 1]; }
  int64_t longest() const;  ///< tokens of the longest sequence
  const Tensor& position() const { return position_; }  ///< [t] int64, from 0 in each sequence
  /// One value a sequence [s] to one value a token [t].
  Tensor per_token(const Tensor& per_sequence) const;
  /// x [t, d] with the ids of its tokens.
  Rows rows(Tensor x) const;

 private:
  std::vector<int64_t> start_;
  Tensor length_;    // [s] int64
  Tensor position_;  // [t] int64
  Rows ids_;         // x undefined
};

/// Visits the hookpoints of one forward pass in the order of HostInfo::points.
class Walk {
 public:
  /// UserError when something is wanted that hosts built from these layers do not give.
  Walk(const HostInfo& info, std::span<const Hook> hooks, Want want, const Packed& packed);

  /// x [t, d], the rows at the next hookpoint, after its edits.
  Tensor visit(const Tensor& x);
  /// True when no later hookpoint has a hook and no logits are wanted: the forward pass may end.
  bool finished() const { return next_ > last_ && !want_logits_; }

 private:
  const HostInfo& info_;
  std::span<const Hook> hooks_;
  const Packed& packed_;
  bool want_logits_;
  int64_t last_;
  int64_t next_ = 0;
};

}  // namespace facet::layers
