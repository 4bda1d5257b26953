// What an SAE promises of its codes: how many, and that a normaliser folds into its weights.
#pragma once

#include "plugin/conformance_trial.h"

namespace facet {

/// The field k: never more active latents in a row of Mode::infer; where its help says "average",
/// as the mean over a batch of training. Skipped without such a field.
Outcome keeps_sparsity(const SaePart& part, const Value& params, Sae& sae, const Batch& batch);

/// Sae::fold(): rows of another scale, off centre, are coded as the rows that they are scaled to
/// were. Skipped when it says that it cannot, which must change nothing.
Outcome folds_in(Sae& sae, const Batch& batch);

}  // namespace facet
