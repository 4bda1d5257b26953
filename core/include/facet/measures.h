// Figures of an SAE on rows: how well they come back, how sparse the codes are, how often each
// latent fires. One definition each, for analyses and for the evaluation while training.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "facet/sae.h"
#include "facet/stats.h"

namespace facet {

class Normaliser;
class RowSums;

enum class Shown {
  always = 1,
  with_all,  ///< another definition of a word that `always` has: figures = "all"
};

/// Which of two values of a figure is the better one.
enum class Better {
  unsaid = 1,  ///< neither, or the figure says nothing by itself
  least,
  greatest,
};

/// One figure: a function of the sums of any rows, so that a bootstrap can ask it of a resample.
/// NaN where the definition divides by zero.
struct Measure {
  const char* name;
  double (*of)(const std::vector<double>& sums);
  Shown shown;
  const char* definition;
  const char* target;  ///< what a good SAE has, and who says so; may be empty
  Better better = Better::unsaid;
};

/// Every figure that is worked out of the sums over rows, with its definition and source.
std::span<const Measure> measures();

/// How often each latent fires: a latent fires on a row when its value is > 0.
class LatentCounts {
 public:
  explicit LatentCounts(int64_t latents);

  /// codes on the CPU; sequence [n] int64 on the CPU; a sequence's rows follow one another.
  void add(const Codes& codes, const Tensor& sequence);

  int64_t latents() const { return static_cast<int64_t>(fired_.size()); }
  int64_t rows() const { return rows_; }
  int64_t sequences() const { return sequences_; }
  const std::vector<int64_t>& fired() const { return fired_; }        ///< [d_sae] rows
  const std::vector<int64_t>& fired_in() const { return fired_in_; }  ///< [d_sae] sequences
  /// Share of the rows on which a latent fires.
  double frequency(size_t latent) const;
  int64_t live() const;
  /// Share of the latents that fire on none of the rows.
  double dead_share() const;
  /// Share of the latents that fire on a larger share of the rows than `frequency`.
  double share_above(double frequency) const;

 private:
  int64_t rows_ = 0, sequences_ = 0, last_sequence_ = -1;
  std::vector<int64_t> fired_, fired_in_;
  std::vector<int64_t> last_sequence_with_;  // [d_sae] number of the sequence it last fired in
};

/// An SAE with what was summed of it over batches of rows, each coded with Mode::infer. Errors are
/// in the host's units; rows of several hookpoints count as one long row. The caller turns
/// gradients off.
class Measured {
 public:
  /// `points`: output hookpoints. Sums are kept for at most `most_groups` groups of sequences.
  Measured(Sae& sae, int64_t points, size_t most_groups);
  ~Measured();

  void add(const Normaliser& normaliser, const Batch& batch);

  Sae& sae() const { return sae_; }
  int64_t rows() const;
  const LatentCounts& latents() const { return latents_; }
  /// What the figures of measures() are functions of; at least one row was added.
  const GroupSums& groups() const;
  /// 1 - sum var(x - x^) / sum var(x) over the columns, which takes the mean out of the error too.
  double centred_explained_variance() const;
  /// Mean over columns of sum (x - x^)^2 / max(1, sum (x - mean)^2).
  double nmse_by_column() const;

 private:
  Sae& sae_;
  std::unique_ptr<RowSums> sums_;
  LatentCounts latents_;
};

}  // namespace facet
