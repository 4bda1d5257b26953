// Sums over rows from which every figure of reconstruction and sparsity is worked out.
#pragma once

#include <cstdint>
#include <vector>

#include "facet/codes.h"
#include "facet/stats.h"

namespace facet {

/// Columns of the sums. x and x^ are a row and its reconstruction in the host's units, z its codes.
enum SumColumn : size_t {
  kRows,           ///< 1
  kError,          ///< |x - x^|^2
  kErrorNorm,      ///< |x - x^|
  kEnergy,         ///< |x|^2
  kEnergyHat,      ///< |x^|^2
  kNorm,           ///< |x|
  kNormHat,        ///< |x^|
  kProduct,        ///< x . x^
  kRatio,          ///< |x^| / |x|, or |x^| where |x| < 1e-4
  kRelativeError,  ///< |x - x^|^2 / |x|^2 where x is not zero
  kNonzero,        ///< 1 where x is not zero
  kCosine,         ///< cosine of x and x^ where neither is zero
  kCosines,        ///< 1 where neither is zero
  kLegacy,         ///< 1 - |x - x^|^2 / |x - mean of the block|^2 where x is not that mean
  kLegacyRows,     ///< 1 where x is not that mean
  kSpread,         ///< |x - c|^2, c the mean of the first block
  kActive,         ///< entries of z > 0
  kNonzeroCodes,   ///< entries of z other than 0
  kActiveShare,    ///< the same over d_sae
  kL1,             ///< sum |z|
  kL1Share,        ///< the same over d_sae
  kL1OverNorm,     ///< sum |z| / |input| where the SAE's input is not zero
  kInputs,         ///< 1 where the SAE's input is not zero
  kL1Weighted,     ///< sum |z| |row of W_dec|
  kColumns,        ///< after these come d more: x - c
};
using Sums = std::vector<double>;

/// Sums by sequence, in float64. Rows are seen in blocks; but for kLegacy it does not matter where
/// blocks end.
class RowSums {
 public:
  /// decoder_norm [d_sae] float64 on the CPU: the norms of the rows of W_dec.
  RowSums(Tensor decoder_norm, size_t most_groups);

  /// Rows, all of the same order and number.
  struct Block {
    Tensor x, x_hat;    ///< [n, d] in the host's units
    Tensor input_norm;  ///< [n] float64 on the CPU: norms of the rows as the SAE is given them
    Codes codes;        ///< on the CPU
    Tensor sequence;    ///< [n] int64 on the CPU: the group of each row
  };
  void add(const Block& block);

  int64_t rows() const { return rows_; }
  /// At least one row was added.
  const GroupSums& groups() const { return groups_.front(); }

  /// 1 - sum var(x - x^) / sum var(x) over the columns, which takes the mean out of the error too.
  double centred_explained_variance() const;
  /// Mean over columns of sum (x - x^)^2 / max(1, sum (x - mean)^2).
  double nmse_by_column() const;

 private:
  void add_columns(const Tensor& shifted, const Tensor& error);
  Tensor spread_of(const Tensor& sum, const Tensor& square) const;

  Tensor decoder_norm_;
  size_t most_groups_;
  int64_t rows_ = 0;
  std::vector<GroupSums> groups_;     // one, once the width is known
  Tensor centre_;                     // [d] float64, the mean of the first block
  Tensor shifted_, shifted_squared_;  // [d] float64, sums of x - centre and its square
  Tensor error_, error_squared_;      // [d] float64, sums of x - x^ and its square
};

}  // namespace facet
