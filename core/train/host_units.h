// A pass in the host's units, as figures of reconstruction compare it.
#pragma once

#include "facet/normaliser.h"
#include "facet/sae.h"

namespace facet {

/// Hookpoints side by side: [n, points * d], of the points that the pass gives back.
struct HostUnits {
  Tensor target;  ///< the rows as they were given, wherever the pass did not choose among them
  Tensor output;
};

/// UserError as output_stats says.
HostUnits host_units(const Normaliser& normaliser, const Batch& batch, const Pass& pass);

}  // namespace facet
