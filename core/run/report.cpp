// report.md: sections in a fixed order, each left out when there is nothing to say.
#include "run/report.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <sstream>

#include "facet/table.h"

namespace facet {
namespace {

// More decimals than this are harder to read than 1.2e-07.
constexpr int kMostDecimals = 6;

constexpr std::pair<const char*, const char*> kWords[] = {
    {"host model", "the language model whose inner states are studied; it is not changed."},
    {"hookpoint", "the place in the host model where those states are read."},
    {"row", "the host's state at one residue (or token): a list of numbers."},
    {"SAE",
     "sparse autoencoder: a small network that rewrites each row as a sum of a few directions "
     "out of a large dictionary."},
    {"latent", "one entry of that dictionary. It fires on a row when its value there is above 0."},
    {"held out", "not used for training; figures are measured there where a split was made."},
    {"baseline",
     "something plain that is measured in the same way; an SAE that is no better has "
     "found nothing."},
};

std::string emit_list(const std::vector<std::pair<std::string, std::string>>& pairs,
                      const char* quote) {
  std::string out;
  for (const auto& [name, text] : pairs) out += "- " + (quote + name + quote) + ": " + text + "\n";
  return out;
}

std::string link(const std::string& path) { return "[" + path + "](" + path + ")"; }

std::string picture(const std::string& path, const std::string& title) {
  return "![" + title + "](" + path + ")\n";
}

// The sections of one analysis: the one to read first, then the same of other SAEs.
struct Comparison {
  const ReportSection* main;
  std::vector<const ReportSection*> others;
};

std::vector<Comparison> comparisons_of(const std::vector<ReportSection>& sections) {
  std::vector<std::vector<const ReportSection*>> groups;
  for (const ReportSection& section : sections) {
    const auto group = std::find_if(groups.begin(), groups.end(), [&](const auto& there) {
      return there.front()->name == section.name;
    });
    if (group == groups.end())
      groups.push_back({&section});
    else
      group->push_back(&section);
  }
  std::vector<Comparison> out;
  for (auto& group : groups) {
    const auto main = std::find_if(group.begin(), group.end(),
                                   [](const auto* section) { return !section->is_baseline; });
    if (main != group.end()) std::rotate(group.begin(), main, main + 1);
    out.push_back({group.front(), {group.begin() + 1, group.end()}});
  }
  return out;
}

Value cell(const Figure& figure) {
  return figure.interval ? Value(figure_text(figure.value, *figure.interval)) : figure.value;
}

// Names of baselines in the order in which figures mention them.
std::vector<std::string> baselines_named(const std::vector<Figure>& figures) {
  std::vector<std::string> names;
  for (const Figure& figure : figures)
    for (const auto& [name, value] : figure.baselines)
      if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  return names;
}

Value baseline_of(const Figure& figure, const std::string& name) {
  for (const auto& [baseline, value] : figure.baselines)
    if (baseline == name) return value;
  return {};
}

Value same_figure(const ReportSection& section, const std::string& name) {
  for (const Figure& figure : section.report.values)
    if (figure.name == name) return cell(figure);
  return {};
}

std::string emit_figures(const Comparison& all) {
  const std::vector<Figure>& figures = all.main->report.values;
  const std::vector<std::string> baselines = baselines_named(figures);
  const bool targets = std::any_of(figures.begin(), figures.end(),
                                   [](const Figure& figure) { return !figure.target.empty(); });
  std::vector<Column> columns = {{"figure", ""},
                                 {all.main->sae.empty() ? "value" : all.main->sae, ""}};
  for (const ReportSection* other : all.others)
    columns.push_back({other->sae.empty() ? "value" : other->sae, ""});
  for (const std::string& baseline : baselines) columns.push_back({baseline, ""});
  if (targets) columns.push_back({"target", ""});
  columns.push_back({"what it is", ""});
  Table table(columns);
  std::vector<std::string> notes;
  for (const Figure& figure : figures) {
    std::vector<Value> row = {figure.name, cell(figure)};
    for (const ReportSection* other : all.others) row.push_back(same_figure(*other, figure.name));
    for (const std::string& baseline : baselines) row.push_back(baseline_of(figure, baseline));
    if (targets) row.emplace_back(figure.target);
    row.emplace_back(figure.definition);
    table.add(std::move(row));
    if (figure.interval &&
        std::find(notes.begin(), notes.end(), figure.interval->definition) == notes.end())
      notes.push_back(figure.interval->definition);
  }
  std::string out = emit_markdown(table);
  for (const std::string& note : notes) out += "\nIn brackets: " + note + ".\n";
  return out;
}

std::string emit_table(const TableRef& ref) {
  const auto shown = static_cast<int64_t>(ref.head.rows().size());
  const std::string file = link("artefacts/" + ref.name);
  if (shown == 0) return "**" + ref.title + "**\n\nNone; the table is " + file + ".\n";
  std::string out = "**" + ref.title + "**\n\n" + emit_markdown(ref.head) + "\n";
  out += (shown < ref.rows ? std::to_string(shown) + " of " + std::to_string(ref.rows) +
                                 " rows; all are in " + file + "."
                           : "The same table: " + file + ".") +
         " Columns:\n\n";
  std::vector<std::pair<std::string, std::string>> columns;
  for (const Column& column : ref.head.columns())
    columns.emplace_back(column.name, column.definition);
  return out + emit_list(columns, "`");
}

// Where the tables and pictures of the other SAEs lie.
std::string emit_others(const Comparison& all) {
  std::string out;
  for (const ReportSection* other : all.others) {
    std::string files;
    for (const TableRef& table : other->report.tables)
      files += (files.empty() ? "" : ", ") + link("artefacts/" + table.name);
    for (const Plot& plot : other->report.plots)
      files += (files.empty() ? "" : ", ") + link("artefacts/" + other->shelf + plot.name + ".svg");
    if (!files.empty()) out += "- The same of " + other->sae + ": " + files + "\n";
  }
  return out.empty() ? out : out + "\n";
}

std::string emit_comparison(const Comparison& all) {
  const ReportSection& main = *all.main;
  std::string out = "## " + main.name + "\n\n";
  if (!main.about.empty()) out += main.about + "\n\n";
  if (!main.report.values.empty()) out += emit_figures(all) + "\n";
  for (const Plot& plot : main.report.plots)
    out += picture("artefacts/" + main.shelf + plot.name + ".svg", plot.title) + "\n";
  for (const TableRef& table : main.report.tables) out += emit_table(table) + "\n";
  return out + emit_others(all);
}

std::string emit_words() {
  std::string out = "## What the words mean\n\n";
  for (const auto& [word, meaning] : kWords)
    out += "- **" + std::string(word) + "**: " + meaning + "\n";
  return out + "\n";
}

std::string trimmed(const std::string& text) {
  const size_t begin = text.find_first_not_of(" \t\r");
  return begin == std::string::npos
             ? ""
             : text.substr(begin, text.find_last_not_of(" \t\r") - begin + 1);
}

std::string fixed(double value, int decimals) {
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", decimals, value);
  return text;
}

}  // namespace

std::string figure_text(const Value& value, const Interval& interval) {
  const double width = interval.high - interval.low;
  const auto* number = value.as<double>();
  const int decimals = width > 0 && std::isfinite(width)
                           ? std::max(0, 1 - static_cast<int>(std::floor(std::log10(width))))
                           : kMostDecimals + 1;
  if (!number || decimals > kMostDecimals)
    return for_eyes(value) + " [" + for_eyes(interval.low) + ", " + for_eyes(interval.high) + "]";
  return fixed(*number, decimals) + " [" + fixed(interval.low, decimals) + ", " +
         fixed(interval.high, decimals) + "]";
}

std::string emit_report(const ReportPage& page) {
  std::string out = "# " + page.title + "\n\n";
  if (!page.question.empty()) out += page.question + "\n\n";
  if (!page.warnings.empty()) {
    out += "## Warnings\n\n";
    for (const std::string& warning : page.warnings) out += "- " + warning + "\n";
    out += "\n";
  }
  if (!page.facts.empty()) out += "## What ran\n\n" + emit_list(page.facts, "") + "\n";
  for (const auto& [path, title] : page.pictures) out += picture(path, title) + "\n";
  for (const Comparison& all : comparisons_of(page.sections)) out += emit_comparison(all);
  if (!page.tables.empty()) out += "## Tables of the script\n\n";
  for (const TableRef& table : page.tables) out += emit_table(table) + "\n";
  if (!page.command.empty()) out += "## Run it again\n\n```\n" + page.command + "\n```\n\n";
  if (!page.sections.empty()) out += emit_words();
  if (!page.files.empty()) {
    out += "## Files\n\n";
    for (const auto& [path, what] : page.files) out += "- " + link(path) + ": " + what + "\n";
  }
  while (out.size() > 1 && out[out.size() - 2] == '\n') out.pop_back();
  return out;
}

std::string opening_comment(const std::string& text, const std::string& marker) {
  std::istringstream lines(text);
  std::string out;
  for (std::string line; std::getline(lines, line);) {
    if (out.empty() && (trimmed(line).empty() || line.rfind("#!", 0) == 0)) continue;
    if (line.rfind(marker, 0) != 0) break;
    const std::string said = line.substr(marker.size());
    const bool indented = said.rfind("  ", 0) == 0;
    if (trimmed(said).empty() || (indented && !out.empty())) break;
    out += (out.empty() ? "" : " ") + trimmed(said);
  }
  return out;
}

Plot training_curves(const std::string& events, const std::string& field,
                     const std::vector<std::string>& left_out) {
  Plot plot;
  plot.x_label = "step";
  plot.y_label = field;
  std::istringstream lines(events);
  for (std::string line; std::getline(lines, line);) {
    if (line.find("train.step") == std::string::npos) continue;
    const Value event = parse_json(line, "events.jsonl");
    const Value* value = event.find(field);
    if (event.text("event") != "train.step" || !value || value->empty()) continue;
    const Value* sae = event.find("sae");
    const std::string name = sae ? *sae->as<std::string>() : "";
    if (std::find(left_out.begin(), left_out.end(), name) != left_out.end()) continue;
    auto curve = std::find_if(plot.series.begin(), plot.series.end(),
                              [&](const Plot::Series& series) { return series.name == name; });
    if (curve == plot.series.end()) curve = plot.series.insert(curve, {name, {}, {}});
    curve->x.push_back(static_cast<double>(event.integer("step")));
    curve->y.push_back(event.number(field));
  }
  return plot;
}

}  // namespace facet
