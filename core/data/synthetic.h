// The data source "synthetic": rows that are sparse sums of a known dictionary, plus noise.
#pragma once

#include <vector>

#include "facet/data.h"
#include "facet/schema.h"

namespace facet {

struct SyntheticParams {
  int64_t d = 64;
  int64_t features = 256;
  int64_t rows = 1000000;
  double active = 8;
  double correlation = 0;
  double noise = 0;
  std::vector<double> magnitudes = {0.5, 1.5};
  int64_t seed = 0;
};
Schema<SyntheticParams> synthetic_schema();

/// row = sum over firing features of magnitude * dictionary row, + noise * N(0, 1) in each
/// coordinate.
///
/// dictionary   `features` directions, uniform on the unit sphere of d dimensions
/// firing       each feature fires with p = active / features. Features 2i and 2i + 1 are a pair:
/// with
///              probability `correlation` the odd one copies the even one, else it fires by itself
///              with p. So both keep the share p, and the correlation of their firing is exactly
///              `correlation`. Pairs are independent.
/// magnitude    uniform between the two `magnitudes`, drawn anew for each firing
class SyntheticRows final : public RowMaker {
 public:
  explicit SyntheticRows(const SyntheticParams& params);

  int64_t rows() const override { return params_.rows; }
  int64_t width() const override { return params_.d; }
  Tensor make(int64_t first, int64_t n) const override;
  Tensor dictionary() const override { return dictionary_; }

 private:
  void fill_block(int64_t block, int64_t first, int64_t n, float* out) const;

  SyntheticParams params_;
  Tensor dictionary_;  // [features, d]
};

class Synthetic final : public Data {
 public:
  explicit Synthetic(const SyntheticParams& params) : rows_(params) {}
  const RowMaker* rows() const override { return &rows_; }

 private:
  SyntheticRows rows_;
};

}  // namespace facet
