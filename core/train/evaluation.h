// Evaluation: the figures of an SAE on held-out rows, as the analysis metrics defines them.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "facet/measures.h"
#include "facet/stream.h"

namespace facet {

/// Names and values, in the order of evaluation_figures().
using EvaluationFigures = std::vector<std::pair<std::string, double>>;

/// What an evaluation says of one figure.
struct EvaluationFigure {
  std::string name;
  std::string definition;
  Better better;
};
/// The figures of reconstruction and sparsity that metrics always has, then `dead`.
const std::vector<EvaluationFigure>& evaluation_figures();

/// The figures on the first batches * batch rows of `source`, which stands at its beginning; fewer
/// when an epoch has fewer. Coded with Mode::infer, without gradients; the SAE keeps every bit.
///
/// throws  UserError when there are no rows.
EvaluationFigures evaluate(Sae& sae, const Normaliser& normaliser, ActivationSource& source,
                           int64_t batches, int64_t batch);

}  // namespace facet
