// How often each latent fires: shares, their histogram, and the table by latent.
#pragma once

#include <facet/plugin.h>

#include <cstdint>
#include <string>
#include <vector>

/// A latent fires on a row when its value is > 0.
class LatentCounts {
 public:
  explicit LatentCounts(int64_t latents);

  /// codes on the CPU; sequence [n] int64 on the CPU; a sequence's rows follow one another.
  void add(const facet::Codes& codes, const facet::Tensor& sequence);

  int64_t latents() const { return static_cast<int64_t>(fired_.size()); }
  int64_t sequences() const { return sequences_; }
  int64_t live() const;
  double dead_share() const;
  /// Share of the latents that fire on a larger share of the rows than `frequency`.
  double share_above(double frequency) const;

  /// Latents by log10 of the share of rows on which they fire: bins of 0.5 from -4 (or lower, when
  /// one row is a smaller share) to 0, [a, b) but for the last, which is closed; x is the middle of
  /// a bin. Dead latents stand in none.
  facet::Plot::Series histogram(const std::string& name) const;
  /// One row a latent, by number.
  facet::Table table() const;
  /// The `rows` latents that fire most often, ties by number.
  facet::Table most_frequent(size_t rows) const;

 private:
  double frequency(size_t latent) const;
  void add_row(facet::Table& table, size_t latent) const;

  int64_t rows_ = 0, sequences_ = 0, last_sequence_ = -1;
  std::vector<int64_t> fired_;               // [d_sae] rows
  std::vector<int64_t> fired_in_;            // [d_sae] sequences
  std::vector<int64_t> last_sequence_with_;  // [d_sae] number of the sequence it last fired in
};
