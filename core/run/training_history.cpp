// Rows out of events, curves out of rows.
#include "run/training_history.h"

#include <algorithm>
#include <map>
#include <set>
#include <sstream>

#include "plot/thin.h"
#include "train/evaluation.h"

namespace facet {
namespace {

constexpr char kHeldOut[] = "eval_";

// Keys of an event that are no metric.
bool is_metric(const std::string& key) {
  static const std::set<std::string> others = {"event", "level", "step", "time", "sae"};
  return !others.contains(key);
}

// Events by step; a step is there once.
using BySteps = std::map<int64_t, Value::Table>;

BySteps metrics_of_events(const std::string& events, const std::string& name,
                          const std::string& sae) {
  BySteps out;
  std::istringstream lines(events);
  for (std::string line; std::getline(lines, line);) {
    if (line.find(name) == std::string::npos) continue;
    const Value event = parse_json(line, "events.jsonl");
    const Value* of = event.find("sae");
    if (event.text("event") != name || (of ? *of->as<std::string>() : "") != sae) continue;
    for (const auto& [key, value] : *event.as<Value::Table>())
      if (is_metric(key)) out[event.integer("step")][key] = value;
  }
  return out;
}

std::vector<Column> columns_of(const BySteps& steps, bool evaluated) {
  std::vector<Column> out = {{"step", "steps done"},
                             {"rows", "rows seen"},
                             {"loss", "the weighted sum of the losses of the step's batch"}};
  const std::set<std::string> others = {"rows", "loss", "l0", "dead", "lr"};
  std::set<std::string> terms;
  for (const auto& [step, metrics] : steps)
    for (const auto& [key, value] : metrics)
      if (!others.contains(key)) terms.insert(key);
  for (const std::string& term : terms)
    out.push_back({term, "the loss " + term + " of the step's batch, unweighted"});
  out.push_back({"l0", "mean number of latents with a value > 0 in a row of the step's batch"});
  out.push_back(
      {"dead", "share of the latents that have not fired for train.dead_after_rows rows"});
  out.push_back({"lr", "learning rate of the step"});
  if (evaluated)
    for (const EvaluationFigure& figure : evaluation_figures())
      out.push_back({kHeldOut + figure.name, "on held-out rows: " + figure.definition});
  return out;
}

Value cell_of(const Value::Table& metrics, const std::string& key) {
  const auto found = metrics.find(key);
  return found == metrics.end() || found->second.empty() ? Value("") : found->second;
}

// The rows of `history` where the column has a number.
Plot::Series curve_of(const Table& history, const std::string& column, const std::string& name) {
  Plot::Series out{name, {}, {}};
  for (size_t i = 0; i < history.columns().size(); ++i) {
    if (history.columns()[i].name != column) continue;
    for (const auto& row : history.rows()) {
      const auto* number = row[i].as<double>();
      const auto* whole = row[i].as<int64_t>();
      if (!number && !whole) continue;
      out.x.push_back(static_cast<double>(*row[0].as<int64_t>()));
      out.y.push_back(number ? *number : static_cast<double>(*whole));
    }
  }
  return out;
}

}  // namespace

Table training_history(const std::string& events, const std::string& sae) {
  const BySteps steps = metrics_of_events(events, "train.step", sae);
  const BySteps evaluated = metrics_of_events(events, "train.eval", sae);
  Table out(columns_of(steps, !evaluated.empty()));
  for (const auto& [step, metrics] : steps) {
    const auto held_out = evaluated.find(step);
    std::vector<Value> row;
    for (const Column& column : out.columns()) {
      const bool of_held_out = column.name.starts_with(kHeldOut);
      if (column.name == "step")
        row.emplace_back(step);
      else if (!of_held_out)
        row.push_back(cell_of(metrics, column.name));
      else if (held_out == evaluated.end())
        row.emplace_back("");
      else
        row.push_back(cell_of(held_out->second, column.name.substr(sizeof kHeldOut - 1)));
    }
    out.add(std::move(row));
  }
  return out;
}

std::vector<Plot> history_plots(const Table& history) {
  struct Panel {
    const char* column;
    const char* title;
    const char* y_label;
    bool log_y;
  };
  const Panel panels[] = {{"loss", "Loss", "loss", true},
                          {"l0", "Latents that fire on a row (L0)", "latents", false},
                          {"dead", "Dead latents", "share of the latents", false},
                          {"nmse", "Error on held-out rows", "nmse", false}};
  std::vector<Plot> out;
  for (const Panel& panel : panels) {
    Plot plot;
    plot.title = panel.title;
    plot.x_label = "step";
    plot.y_label = panel.y_label;
    plot.log_y = panel.log_y;
    const bool trained = panel.column != std::string("nmse");
    if (trained) plot.series.push_back(curve_of(history, panel.column, "training"));
    Plot::Series held_out =
        curve_of(history, kHeldOut + std::string(panel.column), "held-out rows");
    if (!held_out.x.empty()) plot.series.push_back(std::move(held_out));
    if (plot.series.empty()) continue;
    thin(plot);
    out.push_back(std::move(plot));
  }
  return out;
}

std::string history_file(const std::string& sae) {
  return "artefacts/" + (sae.empty() ? "" : sae + "/") + "training_history";
}

std::string history_title(const std::string& sae) {
  return "Loss, L0 and dead latents over the training" + (sae.empty() ? "" : " of " + sae) + ".";
}

}  // namespace facet
