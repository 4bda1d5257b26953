// Codes as Rep_SAEs_PLMs keeps them: arrays of NumPy and a table of the proteins, in one folder.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <vector>

#include "facet/codes.h"
#include "facet/stream.h"
#include "tensor/npy_file.h"

namespace facet {

/// The files of one extraction. source: Rep_SAEs_PLMs de2b02f, numpy_store_results.py (both of
/// that name: of pooled rows, and of residues that are pooled after the SAE)
struct RepSaesFiles {
  std::filesystem::path values;   ///< POOLING_activations_*.npy; or MEANPOOL_*_sparse.npy
  std::filesystem::path indices;  ///< POOLING_indices_*.npy; empty: the values are a matrix
  std::filesystem::path metadata;

  std::vector<std::filesystem::path> all() const;
};

/// The one extraction that the folder holds. UserError that lists its files when it holds none, or
/// several.
RepSaesFiles find_rep_saes(const std::filesystem::path& folder);

/// What the arrays of an extraction say, read a block at a time.
class RepSaesCodes {
 public:
  /// d_sae  number of latents; 0: the largest index + 1, or the width of the matrix.
  /// UserError naming the file when an array is damaged, of other numbers or sizes than it should
  /// be, or wider than d_sae.
  RepSaesCodes(const RepSaesFiles& files, int64_t d_sae);

  int64_t rows() const { return values_.sizes()[0]; }
  int64_t d_sae() const { return d_sae_; }
  /// How many rows slice() reads in little memory.
  int64_t block_rows() const;
  /// Rows begin .. end - 1 without their zeros, latents ascending. UserError "file: row R: ..." (R
  /// counts from 0) for a number that is not finite, for an index that is no latent, and for one
  /// that stands twice in a row with a value.
  Codes slice(int64_t begin, int64_t end) const;

 private:
  Codes pairs_of(const at::Tensor& value, const at::Tensor& index, int64_t first) const;

  NpyFile values_;
  std::optional<NpyFile> indices_;  // [rows, k]
  at::Tensor value_, index_;        // on the files
  int64_t d_sae_ = 0;
};

/// Calls use(sequence) for each row of the metadata: its sequence_id, sequence, and protein_names
/// with " OS=" and organism as the description ("None" and empty ones left out). Returns how many
/// there were; UserError when a column is missing or a row is damaged.
int64_t each_rep_saes_sequence(const std::filesystem::path& metadata,
                               const std::function<void(const SequenceInfo&)>& use);

}  // namespace facet
