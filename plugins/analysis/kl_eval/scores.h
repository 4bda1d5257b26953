// What is summed over the tokens of each sequence: cross-entropies and divergences under each pass.
#pragma once

#include <facet/host.h>
#include <facet/stats.h>

#include <vector>

namespace facet::kl_eval {

/// What the logits of a token say: the one after it, or the one that stands there.
enum class Says { next = 1, itself };

/// Which tokens a cross-entropy or a divergence is summed over.
enum Over : size_t {
  kReal =
      0,  ///< no pads; of CE: the token that says and the one that is said (Says::itself: content)
  kContent,  ///< neither pads nor specials; of CE: the token that says
  kAll,      ///< pads, too
  kGuessed,  ///< tokens that were masked, or those of kContent when none were; CE of all four
             ///< kinds is over these when some were
  kOvers
};

/// Sums over the sequences of one set of passes: the host by itself, then others.
///
/// Columns of a GroupSums: kOvers counts of tokens whose KL is summed, kOvers of those whose CE is;
/// the sequences; then for each pass kOvers sums of KL, kOvers of CE, and the mean CE of each
/// sequence over kContent.
class Scores {
 public:
  /// `passes`: the host by itself counts as the first.
  Scores(size_t passes, size_t most_groups);

  /// Adds a batch. logits[i] [t, vocabulary]; tokens.id as they were before any was masked;
  /// `guessed` [t] bool. Softmax, logarithms and sums in float64.
  void add(const Tokens& tokens, const std::vector<Tensor>& logits, Says says,
           const Tensor& guessed);

  const GroupSums& sums() const { return sums_; }

  /// Of one sequence, as it was added: what a table shows.
  struct Sequence {
    int64_t sequence = 0, tokens = 0;
    std::vector<double> kl, ce;  ///< of each pass, means over kReal
  };
  const std::vector<Sequence>& sequences() const { return sequences_; }

  // Where a column stands.
  static size_t kl_count(Over over) { return over; }
  static size_t ce_count(Over over) { return kOvers + over; }
  static size_t sequence_count() { return 2 * kOvers; }
  static size_t kl(size_t pass, Over over) { return first(pass) + over; }
  static size_t ce(size_t pass, Over over) { return first(pass) + kOvers + over; }
  static size_t ce_of_sequence(size_t pass) { return first(pass) + 2 * kOvers; }

 private:
  static size_t first(size_t pass) { return 2 * kOvers + 1 + pass * (2 * kOvers + 1); }

  size_t passes_;
  GroupSums sums_;
  std::vector<Sequence> sequences_;
};

}  // namespace facet::kl_eval
