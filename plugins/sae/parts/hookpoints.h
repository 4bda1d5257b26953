// What architectures over several hookpoints share: how many there are, and the rows of the one
// that was chosen for each.
#pragma once

#include <string>

#include "facet/sae.h"

namespace facet {

/// How many hookpoints the stream has. UserError "sae: TYPE: DOES several hookpoints of one width:
/// is given ..." for one hookpoint, for two widths, or for a target of other hookpoints.
int64_t several_hookpoints(const std::string& type, const std::string& does, const Shape& shape);

/// x [n, points, d] at hookpoint layer[i] of each row i, layer [n] int64: [n, d].
Tensor rows_at(const Tensor& x, const Tensor& layer);
/// x [n, d] as a batch of one hookpoint, its own target.
Batch batch_of_rows(const Tensor& x);

/// Leaves the notes "layer" [n] and "layer_weights" [n, points], 1 at the chosen hookpoint.
void note_layer(const Tensor& layer, const Tensor& layers, Notes& notes);
/// Replaces the live rows whose clean pass noted `point` as their layer by what the SAE makes of
/// them.
Spliced splice_layer(PlainSae& sae, int64_t point, const Tensor& live, const Pass& seen);

}  // namespace facet
