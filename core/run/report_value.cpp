// Bodies of reports as values.
#include "run/report_value.h"

#include <cmath>
#include <limits>

namespace facet {
namespace {

// A number that JSON cannot hold stands as { number = "nan" }.
Value kept(const Value& v) {
  const double* number = v.as<double>();
  if (!number || std::isfinite(*number)) return v;
  return Value(Value::Table{{"number", std::isnan(*number) ? "nan"
                                       : *number > 0       ? "inf"
                                                           : "-inf"}});
}

Value restored(const Value& v) {
  if (!v.is<Value::Table>()) return v;
  const std::string& text = v.text("number");
  constexpr double infinity = std::numeric_limits<double>::infinity();
  return text == "nan" ? std::numeric_limits<double>::quiet_NaN()
                       : (text == "inf" ? infinity : -infinity);
}

template <class List>
Value kept_list(const List& values) {
  Value::Array out;
  for (const auto& value : values) out.push_back(kept(value));
  return out;
}

std::vector<double> numbers(const Value::Array& values) {
  std::vector<double> out;
  for (const Value& value : values) out.push_back(*restored(value).as<double>());
  return out;
}

Value figure_value(const Figure& figure) {
  Value::Array baselines;
  for (const auto& [name, value] : figure.baselines)
    baselines.emplace_back(Value::Array{name, kept(value)});
  Value out(Value::Table{{"name", figure.name},
                         {"value", kept(figure.value)},
                         {"definition", figure.definition},
                         {"baselines", baselines},
                         {"target", figure.target}});
  if (figure.interval)
    out.set("interval", Value(Value::Table{{"low", kept(figure.interval->low)},
                                           {"high", kept(figure.interval->high)},
                                           {"definition", figure.interval->definition}}));
  return out;
}

Figure figure_of(const Value& v) {
  Figure figure;
  figure.name = v.text("name");
  figure.value = restored(v.at("value"));
  figure.definition = v.text("definition");
  figure.target = v.text("target");
  for (const Value& pair : v.array("baselines")) {
    const auto& both = *pair.as<Value::Array>();
    figure.baselines.emplace_back(*both[0].as<std::string>(), restored(both[1]));
  }
  if (const Value* interval = v.find("interval"))
    figure.interval =
        Interval{*restored(interval->at("low")).as<double>(),
                 *restored(interval->at("high")).as<double>(), interval->text("definition")};
  return figure;
}

Value table_value(const TableRef& table) {
  Value::Array columns, head;
  for (const Column& column : table.head.columns())
    columns.emplace_back(Value::Table{{"name", column.name}, {"definition", column.definition}});
  for (const auto& row : table.head.rows()) head.push_back(kept_list(row));
  return Value(Value::Table{{"name", table.name},
                            {"title", table.title},
                            {"rows", table.rows},
                            {"columns", columns},
                            {"head", head}});
}

TableRef table_of(const Value& v) {
  std::vector<Column> columns;
  for (const Value& column : v.array("columns"))
    columns.push_back({column.text("name"), column.text("definition")});
  Table head(std::move(columns));
  for (const Value& row : v.array("head")) {
    std::vector<Value> cells;
    for (const Value& cell : *row.as<Value::Array>()) cells.push_back(restored(cell));
    head.add(std::move(cells));
  }
  return {v.text("name"), v.text("title"), std::move(head), v.integer("rows")};
}

constexpr std::pair<Mark, const char*> kMarks[] = {
    {Mark::line, "line"}, {Mark::bars, "bars"}, {Mark::points, "points"}, {Mark::boxes, "boxes"}};

const char* mark_name(Mark mark) {
  for (const auto& [each, name] : kMarks)
    if (each == mark) return name;
  throw Bug("a plot has no mark");
}

Mark mark_of(const std::string& name) {
  for (const auto& [mark, each] : kMarks)
    if (each == name) return mark;
  throw UserError("a record's plot: mark: is \"" + name +
                  "\", should be line, bars, points or boxes");
}

Value plot_value(const Plot& plot) {
  Value::Array series;
  for (const Plot::Series& one : plot.series)
    series.emplace_back(
        Value::Table{{"name", one.name}, {"x", kept_list(one.x)}, {"y", kept_list(one.y)}});
  Value out(Value::Table{{"name", plot.name},
                         {"title", plot.title},
                         {"x_label", plot.x_label},
                         {"y_label", plot.y_label},
                         {"mark", mark_name(plot.mark)},
                         {"log_y", plot.log_y},
                         {"series", series}});
  if (plot.margins) out.set("margins", true);
  return out;
}

Plot plot_of(const Value& v) {
  Plot plot;
  plot.name = v.text("name");
  plot.title = v.text("title");
  plot.x_label = v.text("x_label");
  plot.y_label = v.text("y_label");
  plot.mark = mark_of(v.text("mark"));
  plot.log_y = v.flag("log_y");
  plot.margins = v.find("margins") && v.flag("margins");
  for (const Value& one : v.array("series"))
    plot.series.push_back({one.text("name"), numbers(one.array("x")), numbers(one.array("y"))});
  return plot;
}

}  // namespace

Value report_value(const Report& report) {
  Value::Array figures, tables, plots;
  for (const Figure& figure : report.values) figures.push_back(figure_value(figure));
  for (const TableRef& table : report.tables) tables.push_back(table_value(table));
  for (const Plot& plot : report.plots) plots.push_back(plot_value(plot));
  return Value(Value::Table{{"figures", figures}, {"tables", tables}, {"plots", plots}});
}

Report report_of(const Value& value) {
  Report report;
  for (const Value& v : value.array("figures")) report.values.push_back(figure_of(v));
  for (const Value& v : value.array("tables")) report.tables.push_back(table_of(v));
  for (const Value& v : value.array("plots")) report.plots.push_back(plot_of(v));
  return report;
}

}  // namespace facet
