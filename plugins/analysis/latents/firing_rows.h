// The rows where one latent fires, gathered by sequence.
#pragma once

#include <facet/plugin.h>

#include <string>
#include <vector>

/// What is known of every row of a codes store.
class RowOrigins {
 public:
  explicit RowOrigins(const facet::CodesReader& codes);

  int64_t sequence(int64_t row) const { return sequence_[row]; }
  /// The letter of a row, from 0; outside the text for special tokens.
  int64_t letter(int64_t row) const { return position_[row] - offset_; }
  /// Empty when the store knows nothing of the sequence (rows without a text).
  const facet::SequenceInfo& info(int64_t sequence) const;
  /// How many sequences the rows come from.
  int64_t sequences() const { return count_; }
  /// Its id, or "sequence 7".
  std::string name(int64_t sequence) const;

 private:
  facet::Rows ids_;
  const std::vector<facet::SequenceInfo>* sequences_;
  const int64_t* sequence_;
  const int32_t* position_;
  int64_t offset_;
  int64_t count_ = 0;
};

/// One sequence in which a latent fires.
struct Example {
  int64_t sequence = 0;
  double max = 0;                ///< largest value
  int64_t letter = 0;            ///< where it is, from 0
  std::vector<int64_t> letters;  ///< all that fire, ascending
};

struct LatentSummary {
  int64_t latent = 0;
  int64_t rows = 0;
  int64_t sequences = 0;
  double mean = 0;  ///< of the values where it fires
  double max = 0;
  double telling = 0;             ///< see ranking.h
  std::string residues;           ///< "L 93 %, I 4 %": the letters it fires on most
  std::vector<Example> examples;  ///< sequences by their largest value, descending
};

/// One pass over the rows of a latent; at most `examples` of its sequences are kept.
LatentSummary summarise(const facet::CodesReader& codes, const RowOrigins& origins, int64_t latent,
                        int64_t examples);
