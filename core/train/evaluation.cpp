// Batches of held-out rows, measured.
#include "train/evaluation.h"

#include <facet/torch.h>

namespace facet {

const std::vector<EvaluationFigure>& evaluation_figures() {
  static const std::vector<EvaluationFigure> figures = [] {
    std::vector<EvaluationFigure> all;
    for (const Measure& measure : measures())
      if (measure.shown == Shown::always)
        all.push_back({measure.name, measure.definition, measure.better});
    all.push_back(
        {"dead", "share of the latents with a value > 0 on none of these rows", Better::least});
    return all;
  }();
  return figures;
}

EvaluationFigures evaluate(Sae& sae, const Normaliser& normaliser, ActivationSource& source,
                           int64_t batches, int64_t batch) {
  const torch::NoGradGuard no_gradients;
  Measured measured(sae, sae.shape(source.shape()).points_out, 1);
  for (int64_t i = 0; i < batches; ++i) {
    Rows rows = source.next(batch);
    const int64_t given = rows.size();
    if (given > 0) {
      rows.x = rows.x.to(sae.device());
      measured.add(normaliser, make_batch(normaliser, std::move(rows)));
    }
    if (given < batch) break;  // the end of the held-out rows
  }
  if (measured.rows() == 0)
    throw UserError("train.eval_on: has no rows: nothing to evaluate the SAE on");
  EvaluationFigures out;
  const std::vector<double> sums = measured.groups().total();
  for (const Measure& measure : measures())
    if (measure.shown == Shown::always) out.emplace_back(measure.name, measure.of(sums));
  out.emplace_back("dead", measured.latents().dead_share());
  return out;
}

}  // namespace facet
