// Bodies of what happens between the steps.
#include "train/evaluations.h"

#include <algorithm>
#include <limits>

namespace facet {
namespace {

Value value_of_figures(const EvaluationFigures& figures) {
  Value out{Value::Table()};
  for (const auto& [name, value] : figures) out.set(name, value);
  return out;
}

// What JSON cannot say was not a number.
EvaluationFigures figures_of_value(const Value& v) {
  EvaluationFigures out;
  for (const EvaluationFigure& figure : evaluation_figures())
    if (const Value* value = v.find(figure.name))
      out.emplace_back(figure.name, value->empty() ? std::numeric_limits<double>::quiet_NaN()
                                                   : v.number(figure.name));
  return out;
}

}  // namespace

Schema<TrainParams> with_evaluation_fields(Schema<TrainParams> schema) {
  using P = TrainParams;
  return schema
      .field("eval_every", &P::eval_every,
             "How often the SAE is measured on the held-out rows `eval_on`; 0: never.", at_least(0),
             unit("steps"), outside_identity_unless("best"))
      .field("eval_batches", &P::eval_batches,
             "Held-out rows of an evaluation, in batches of `batch`, from the first one on.",
             at_least(1), unit("batches"), outside_identity_unless("best"))
      .field("best", &P::best,
             "The figure by which the best SAE is kept: one of the evaluation (nmse), or "
             "train.NAME, a metric of the step (train.loss); empty: none is kept.")
      .field("best_is", &P::best_is,
             "Which value of it is the best; auto: the least, but for explained_variance and "
             "cosine.",
             one_of({"auto", "least", "greatest"}))
      .field("patience", &P::patience,
             "The training ends when `best` has not improved for so long; 0: it does not.",
             at_least(0), unit("evaluations"))
      .field("patience_delta", &P::patience_delta,
             "By more than this it must change to count as improved, for patience.", at_least(0))
      .field("keep_checkpoints", &P::keep_checkpoints,
             "SAEs that are kept on the way, evenly between the start and the end.", at_least(0))
      .field("keep_at", &P::keep_at, "Steps after which the SAE is kept.", at_least(1),
             unit("steps"))
      .check([](const P& p) { return problem_of_best(p); })
      .check([](const P& p) -> std::string {
        for (const int64_t step : p.keep_at)
          if (p.steps > 0 && step > p.steps) return "keep_at: " + exceeds(step, "steps", p.steps);
        return "";
      });
}

std::vector<int64_t> kept_steps(const TrainParams& params, int64_t steps) {
  std::vector<int64_t> out = params.keep_at;
  for (const int64_t step : out)
    if (step > steps)
      throw UserError("train.keep_at: " + exceeds(step, "the steps of the training", steps));
  if (params.keep_checkpoints > std::max<int64_t>(0, steps - 1))
    throw UserError("train.keep_checkpoints: " + exceeds(params.keep_checkpoints,
                                                         "the steps between start and end",
                                                         std::max<int64_t>(0, steps - 1)));
  for (int64_t i = 1; i <= params.keep_checkpoints; ++i)
    out.push_back(i * steps / (params.keep_checkpoints + 1));
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

Evaluations::Evaluations(const TrainParams& params, const TrainHooks& hooks, int64_t steps)
    : params_(params),
      hooks_(hooks),
      steps_(steps),
      kept_(steps > 0 ? kept_steps(params, steps) : std::vector<int64_t>()),
      best_(params) {
  if (params.eval_every > 0 && !hooks.held_out)
    throw UserError("train.eval_every: " + std::to_string(params.eval_every) +
                    ": there are no held-out rows to evaluate on");
}

bool Evaluations::due(int64_t step) const {
  return params_.eval_every > 0 && (step % params_.eval_every == 0 || step == steps_);
}

bool Evaluations::looks_after(int64_t step) const {
  return due(step) || std::binary_search(kept_.begin(), kept_.end(), step);
}

bool Evaluations::after_step(StepMetrics& m, Sae& sae, const Normaliser& normaliser) {
  if (best_.wanted()) best_.check(m);
  if (hooks_.kept && std::binary_search(kept_.begin(), kept_.end(), m.step))
    hooks_.kept->keep(m.step, sae);
  if (!due(m.step)) return true;
  evaluate_after(m, sae, normaliser);
  m.evaluated = last_;
  if (!best_.wanted()) return true;
  if (best_.add(last_, m) && hooks_.kept) hooks_.kept->keep_best(m.step, sae);
  const std::string why = best_.ends();
  if (why.empty() || m.step == steps_) return true;
  ended_ = "after step " + std::to_string(m.step) + " of " + std::to_string(steps_) + ": " + why;
  if (hooks_.events)
    hooks_.events->emit(
        {Level::info, "train.ended", m.step, Value(Value::Table{{"message", "ended " + ended_}})});
  return false;
}

void Evaluations::evaluate_after(const StepMetrics& m, Sae& sae, const Normaliser& normaliser) {
  const auto source = hooks_.held_out();
  last_ = evaluate(sae, normaliser, *source, params_.eval_batches, params_.batch);
  if (hooks_.events)
    hooks_.events->emit({Level::metric, "train.eval", m.step, value_of_figures(last_)});
}

void Evaluations::checkpointed() const {
  if (hooks_.kept) hooks_.kept->only_best(best_.step());
}

EvaluationOutcome Evaluations::outcome(int64_t step) const {
  EvaluationOutcome out;
  out.figures = last_;
  if (best_.step() > 0) out.best = {best_.figure(), best_.value(), best_.step()};
  out.ended = ended_;
  for (const int64_t kept : kept_)
    if (kept <= step) out.kept.push_back(kept);
  return out;
}

Value Evaluations::state() const {
  return Value::Table{{"best", best_.state()}, {"last", value_of_figures(last_)}};
}

void Evaluations::restore(const Value& state) {
  best_.restore(state.at("best"));
  last_ = figures_of_value(state.at("last"));
}

}  // namespace facet
