// report.md: sections in a fixed order, each left out when there is nothing to say.
#include "run/report.h"

#include <algorithm>
#include <sstream>

#include "facet/table.h"

namespace facet {

namespace {

std::string emit_list(const std::vector<std::pair<std::string, std::string>>& pairs,
                      const char* quote) {
  std::string out;
  for (const auto& [name, text] : pairs) out += "- " + (quote + name + quote) + ": " + text + "\n";
  return out;
}

// Names of baselines in the order in which figures mention them.
std::vector<std::string> baselines_of(const std::vector<Figure>& figures) {
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

std::string emit_figures(const std::vector<Figure>& figures) {
  const std::vector<std::string> baselines = baselines_of(figures);
  std::vector<Column> columns = {{"figure", ""}, {"value", ""}};
  for (const std::string& baseline : baselines) columns.push_back({baseline, ""});
  columns.push_back({"what it is", ""});
  Table table(columns);
  for (const Figure& figure : figures) {
    std::vector<Value> row = {figure.name, figure.value};
    for (const std::string& baseline : baselines) row.push_back(baseline_of(figure, baseline));
    row.emplace_back(figure.definition);
    table.add(std::move(row));
  }
  return emit_markdown(table);
}

std::string emit_table(const TableRef& ref) {
  const auto shown = static_cast<int64_t>(ref.head.rows().size());
  std::string out = "**" + ref.title + "**\n\n" + emit_markdown(ref.head) + "\n";
  out += std::to_string(shown) + " of " + std::to_string(ref.rows) +
         " rows; all are in `artefacts/" + ref.name + "`. Columns:\n\n";
  std::vector<std::pair<std::string, std::string>> columns;
  for (const Column& column : ref.head.columns())
    columns.emplace_back(column.name, column.definition);
  return out + emit_list(columns, "`");
}

std::string emit_section(const ReportSection& section) {
  std::string out = "## " + section.name + "\n\n";
  if (!section.about.empty()) out += section.about + "\n\n";
  if (!section.report.values.empty()) out += emit_figures(section.report.values) + "\n";
  for (const TableRef& table : section.report.tables) out += emit_table(table) + "\n";
  return out;
}

std::string trimmed(const std::string& text) {
  const size_t begin = text.find_first_not_of(" \t\r");
  return begin == std::string::npos
             ? ""
             : text.substr(begin, text.find_last_not_of(" \t\r") - begin + 1);
}

}  // namespace

std::string emit_report(const ReportPage& page) {
  std::string out = "# " + page.title + "\n\n";
  if (!page.question.empty()) out += page.question + "\n\n";
  if (!page.warnings.empty()) {
    out += "## Warnings\n\n";
    for (const std::string& warning : page.warnings) out += "- " + warning + "\n";
    out += "\n";
  }
  if (!page.facts.empty()) out += "## What ran\n\n" + emit_list(page.facts, "") + "\n";
  for (const ReportSection& section : page.sections) out += emit_section(section);
  if (!page.command.empty()) out += "## Run it again\n\n```\n" + page.command + "\n```\n\n";
  if (!page.files.empty()) out += "## Files\n\n" + emit_list(page.files, "`") + "\n";
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

}  // namespace facet
