// Normalisers: what happens to a row before an SAE sees it, and after. They belong to a pair of SAE
// and stream, not to a store.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "facet/rows.h"
#include "facet/value.h"

namespace facet {

class Sae;
class ActivationSource;

class Normaliser {
 public:
  virtual ~Normaliser();

  /// Looks at up to `rows` rows of the source when the normaliser needs figures of the data (mean,
  /// mean norm).
  virtual void fit(ActivationSource& source, int64_t rows);
  /// x [n, points, d] any dtype; returns float32 of the same shape and fills `stats`.
  virtual Tensor apply(const Tensor& x, Stats& stats) const = 0;
  /// The way back: x [n, points, d] in normalised units, float32 in the host's units.
  virtual Tensor invert(const Tensor& x, const Stats& stats) const = 0;
  /// What it does to every row alike, once fitted. Nothing when it looks at each row by itself
  /// (layer_norm), or has not been fitted.
  virtual std::optional<RowMap> row_map() const;
  /// Moves the normalisation into the SAE's weights (row_map() and Sae::fold()) when that is
  /// possible; false: it is not, nothing changed.
  virtual bool fold(Sae& sae) const;
  /// SAELens' name for this normaliser in cfg.json's normalize_activations ("none", "layer_norm",
  /// ...), or "" when SAELens has none.
  virtual std::string saelens_name() const;
  /// Of a stream that transcodes: how many hookpoints of x are its input, the others being the
  /// target with a normalisation of its own, which invert() takes back. 0: the input is the target.
  virtual int64_t input_points() const;
  /// What fit() found, as a table; restore() takes it back bit for bit.
  virtual Value state() const;
  virtual void restore(const Value& state);
};

}  // namespace facet
