// Rows in the host's units, for error terms of programs that compare what their hosts see.
#pragma once

#include <string>
#include <vector>

#include "facet/sae.h"

namespace facet {

/// normalised  error terms compare rows as the normaliser gives them
/// host        what the normaliser did to each row by itself (layer_norm) is undone first: SAELens,
///             OpenSAE, InterProt, Rep_SAEs_PLMs. Normalisers that treat all rows alike leave no
///             trace here, as in SAELens, whose loss is on rows that its scaler has scaled.
std::vector<std::string> error_in_words();

/// How a row goes back to the host's units: x * scale + mean. Undefined tensors: it is there.
struct HostUnits {
  Tensor scale, mean;  // [n, points, 1]
  bool differ() const { return scale.defined(); }
  Tensor of(const Tensor& x) const { return differ() ? x * scale + mean : x; }  ///< [n, points, d]
};

/// Leaves in `notes` what units_of() reads: the statistics of the batch and its target.
void note_host_units(const Batch& batch, Notes& notes);
HostUnits units_of(const Notes& notes);
/// The pass with output and target in the host's units; the target is the rows the host gave.
Pass in_host_units(const Pass& pass);

}  // namespace facet
