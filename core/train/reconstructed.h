// What a pass reconstructs beside what it should have been, as figures compare them.
#pragma once

#include "facet/normaliser.h"
#include "facet/sae.h"

namespace facet {

/// In the host's units, hookpoints side by side: [n, points * d], of those that the pass gives
/// back.
struct Reconstructed {
  Tensor target;  ///< the rows as they were given, wherever the pass did not choose among them
  Tensor output;
};

/// UserError as output_stats says.
Reconstructed reconstructed(const Normaliser& normaliser, const Batch& batch, const Pass& pass);

}  // namespace facet
