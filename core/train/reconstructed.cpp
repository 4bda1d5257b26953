#include "train/reconstructed.h"

#include <facet/torch.h>

namespace facet {

Reconstructed reconstructed(const Normaliser& normaliser, const Batch& batch, const Pass& pass) {
  const int64_t inputs = normaliser.input_points();
  const bool as_given =
      pass.target.is_same(batch.target) && (inputs > 0 || batch.target.is_same(batch.input));
  const Stats stats = output_stats(pass, batch.stats);
  const auto inverted = [&](const Tensor& x) { return normaliser.invert(x, stats).flatten(1); };
  const Tensor target = as_given ? batch.ids.x.slice(1, inputs).flatten(1) : inverted(pass.target);
  return {target, inverted(pass.output)};
}

}  // namespace facet
