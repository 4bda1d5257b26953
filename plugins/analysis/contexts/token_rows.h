// The tokens behind the rows of a codes store: what stands around each, and its text.
#pragma once

#include <facet/plugin.h>

#include <string>
#include <vector>

/// Tokens begin .. end - 1, of which `at` is looked at.
struct TokenSpan {
  int64_t begin = 0, end = 0, at = 0;
};

/// Tokens are numbered from 0 in the order of the rows. Rows of one token at several hookpoints
/// (activations.layers_as) are one token. Tokens follow each other when they are of one sequence
/// and none between them was left out.
class TokenRows {
 public:
  TokenRows(const facet::CodesReader& codes, const facet::HostModel& host);

  int64_t token_of(int64_t row) const { return token_of_.empty() ? row : token_of_[row]; }
  int64_t sequence(int64_t token) const { return sequence_[token]; }
  int32_t position(int64_t token) const { return position_[token]; }
  int32_t id(int64_t token) const { return id_[token]; }
  bool is_pad(int64_t token) const { return flag_[token] & facet::kPad; }
  /// The sequence's id, or "sequence 7".
  std::string name(int64_t sequence) const;
  /// The token as the vocabulary has it; "token 12" where the host does not say.
  std::string raw(int32_t id) const;

  /// Up to `before` tokens before and `after` after that follow each other.
  TokenSpan around(int64_t token, int64_t before, int64_t after) const;
  bool follows(int64_t token) const;  ///< the token before it in these rows

  /// The text of the span as the host decodes it, with `open` and `close` around the one that is
  /// looked at; whole UTF-8.
  std::string marked(const TokenSpan& span, const std::string& open,
                     const std::string& close) const;

 private:
  std::string text(int64_t begin, int64_t end) const;

  facet::Rows ids_;
  std::vector<int64_t> token_of_;  // of each row; empty: each row is a token of its own
  const std::vector<facet::SequenceInfo>& sequences_;
  const facet::HostModel& host_;
  const int64_t* sequence_;
  const int32_t* position_;
  const int32_t* id_;
  const uint8_t* flag_;
  int64_t tokens_ = 0;
};
