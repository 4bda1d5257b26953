// Names of figures, their direction, and patience.
#include "train/best.h"

#include <algorithm>
#include <cmath>

#include "facet/table.h"

namespace facet {
namespace {

constexpr char kOfTheStep[] = "train.";

std::vector<std::string> evaluated_names() {
  std::vector<std::string> names;
  for (const EvaluationFigure& figure : evaluation_figures()) names.push_back(figure.name);
  return names;
}

EvaluationFigures figures_of_step(const StepMetrics& m) {
  EvaluationFigures out = {
      {"train.loss", m.loss}, {"train.l0", m.l0}, {"train.dead", m.dead}, {"train.lr", m.lr}};
  for (const auto& [name, value] : m.losses) out.emplace_back(kOfTheStep + name, value);
  return out;
}

Better direction_of(const std::string& figure) {
  for (const EvaluationFigure& known : evaluation_figures())
    if (known.name == figure) return known.better;
  return figure == "train.l0" || figure == "train.lr" ? Better::unsaid : Better::least;
}

const double* value_of(const EvaluationFigures& figures, const std::string& name) {
  for (const auto& [other, value] : figures)
    if (other == name) return &value;
  return nullptr;
}

std::string list_of(const std::vector<std::string>& names) {
  std::string list;
  for (const std::string& name : names) list += (list.empty() ? "" : ", ") + name;
  return list;
}

}  // namespace

std::string problem_of_best(const TrainParams& params) {
  if (params.best.empty())
    return params.patience > 0 ? "patience: needs best, the figure that should improve" : "";
  if (params.eval_every == 0) return "best: needs eval_every, how often it is looked at";
  const std::vector<std::string> names = evaluated_names();
  if (!params.best.starts_with(kOfTheStep) &&
      std::find(names.begin(), names.end(), params.best) == names.end())
    return "best: \"" + params.best + "\": no figure of the evaluation" +
           did_you_mean(params.best, names) + ", should be one of " + list_of(names) +
           ", or train.NAME, a metric of the step";
  if (params.best_is == "auto" && direction_of(params.best) == Better::unsaid)
    return "best_is: \"auto\" does not know which " + params.best +
           " is better, should be \"least\" or \"greatest\"";
  return "";
}

Best::Best(const TrainParams& params)
    : figure_(params.best),
      greatest_(params.best_is == "auto" ? direction_of(params.best) == Better::greatest
                                         : params.best_is == "greatest"),
      patience_(params.patience),
      delta_(params.patience_delta) {}

void Best::check(const StepMetrics& m) const {
  if (!figure_.starts_with(kOfTheStep)) return;
  const EvaluationFigures there = figures_of_step(m);
  if (value_of(there, figure_)) return;
  std::vector<std::string> names;
  for (const auto& [name, value] : there) names.push_back(name);
  throw UserError("train.best: \"" + figure_ + "\": no metric of the steps" +
                  did_you_mean(figure_, names) + ", should be one of " + list_of(names));
}

bool Best::add(const EvaluationFigures& evaluated, const StepMetrics& m) {
  check(m);
  const double* found = value_of(evaluated, figure_);
  const EvaluationFigures of_step = figures_of_step(m);
  const double value = found ? *found : *value_of(of_step, figure_);
  const bool finite = std::isfinite(value);
  const bool first = step_ == 0;
  ++waited_;
  if (finite && (first || better(value, greatest_ ? reference_ + delta_ : reference_ - delta_))) {
    reference_ = value;
    waited_ = 0;
  }
  if (!finite || (!first && !better(value, value_))) return false;
  value_ = value;
  step_ = m.step;
  return true;
}

std::string Best::ends() const {
  if (patience_ == 0 || waited_ < patience_) return "";
  return figure_ + " has not improved" +
         (delta_ > 0 ? " by more than " + for_eyes(delta_) : std::string()) + " for " +
         std::to_string(waited_) + (waited_ == 1 ? " evaluation" : " evaluations") +
         (step_ == 0
              ? std::string()
              : "; its best is " + for_eyes(value_) + ", after step " + std::to_string(step_));
}

Value Best::state() const {
  return Value::Table{
      {"step", step_}, {"value", value_}, {"reference", reference_}, {"waited", waited_}};
}

void Best::restore(const Value& state) {
  step_ = state.integer("step");
  value_ = state.number("value");
  reference_ = state.number("reference");
  waited_ = state.integer("waited");
}

}  // namespace facet
