// Tables to TSV, to markdown and back.
#include "facet/table.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <string_view>

namespace facet {
namespace {

template <class... Format>
std::string chars(double v, Format... format) {
  if (std::isnan(v)) return "nan";
  char text[64];
  return {text, std::to_chars(text, text + sizeof text, v, format...).ptr};
}

// Shortest, and never like an integer: 1.0, so that reading gives a number of the same type.
std::string exact(double v) {
  std::string text = chars(v);
  if (std::isfinite(v) && text.find_first_of(".e") == std::string::npos) text += ".0";
  return text;
}

std::string one_line(std::string text) {
  for (char& c : text)
    if (c == '\t' || c == '\n' || c == '\r') c = ' ';
  return text;
}

std::string cell(const Value& v) {
  if (v.empty()) return "";
  if (const auto* text = v.as<std::string>()) return one_line(*text);
  if (const auto* number = v.as<double>()) return exact(*number);
  return emit_json(v);  // bool, integer, array, table: one line by itself
}

// The number that a cell shows, if writing it gives the same cell: "007" and "1E5" are text.
Value parsed(std::string_view text) {
  const char* end = text.data() + text.size();
  int64_t integer = 0;
  if (const auto [stop, error] = std::from_chars(text.data(), end, integer);
      error == std::errc() && stop == end) {
    if (std::to_string(integer) == text) return integer;
  }
  double number = 0;
  if (const auto [stop, error] = std::from_chars(text.data(), end, number);
      error == std::errc() && stop == end) {
    if (exact(number) == text) return number;
  }
  return text.empty() ? Value() : Value(std::string(text));
}

std::vector<std::string_view> split(std::string_view text, char at) {
  std::vector<std::string_view> pieces;
  for (size_t end = text.find(at); end != std::string_view::npos; end = text.find(at)) {
    pieces.push_back(text.substr(0, end));
    text.remove_prefix(end + 1);
  }
  pieces.push_back(text);
  return pieces;
}

std::string markdown_cell(const std::string& text) {
  std::string out;
  for (const char c : one_line(text)) {
    if (c == '|') out += '\\';
    out += c;
  }
  return out;
}

bool is_numeric(const Table& table, size_t column) {
  return std::all_of(table.rows().begin(), table.rows().end(), [&](const auto& row) {
    return row[column].empty() || row[column].template is<int64_t>() ||
           row[column].template is<double>();
  });
}

}  // namespace

Table::Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

void Table::add(std::vector<Value> row) {
  FACET_ASSERT(row.size() == columns_.size(), "a table row has " + std::to_string(row.size()) +
                                                  " values, should have " +
                                                  std::to_string(columns_.size()));
  rows_.push_back(std::move(row));
}

Table Table::head(size_t rows) const {
  Table out(columns_);
  out.rows_.assign(rows_.begin(),
                   rows_.begin() + static_cast<std::ptrdiff_t>(std::min(rows, rows_.size())));
  return out;
}

std::string emit_tsv(const Table& table) {
  std::string out;
  for (const Column& column : table.columns())
    out += (&column == &table.columns().front() ? "" : "\t") + one_line(column.name);
  out += '\n';
  for (const auto& row : table.rows()) {
    for (const Value& v : row) out += (&v == &row.front() ? "" : "\t") + cell(v);
    out += '\n';
  }
  return out;
}

std::string emit_markdown(const Table& table) {
  std::string names = "|", rule = "|";
  for (size_t i = 0; i < table.columns().size(); ++i) {
    names += " " + markdown_cell(table.columns()[i].name) + " |";
    rule += is_numeric(table, i) ? " ---: |" : " --- |";
  }
  std::string out = names + '\n' + rule + '\n';
  for (const auto& row : table.rows()) {
    out += '|';
    for (const Value& v : row) out += " " + markdown_cell(for_eyes(v)) + " |";
    out += '\n';
  }
  return out;
}

Table parse_tsv(const std::string& text, const std::string& name) {
  if (text.empty()) throw UserError(name + ": empty, should start with a line of column names");
  std::string_view body = text;
  if (body.ends_with('\n')) body.remove_suffix(1);
  const std::vector<std::string_view> lines = split(body, '\n');
  std::vector<Column> columns;
  for (const std::string_view column : split(lines[0], '\t'))
    columns.push_back({std::string(column), ""});
  Table table(columns);
  for (size_t i = 1; i < lines.size(); ++i) {
    const std::vector<std::string_view> cells = split(lines[i], '\t');
    if (cells.size() != columns.size())
      throw UserError(name + ":" + std::to_string(i + 1) + ": " + std::to_string(cells.size()) +
                      " cells, should be " + std::to_string(columns.size()));
    std::vector<Value> row;
    for (const std::string_view each : cells) row.push_back(parsed(each));
    table.add(std::move(row));
  }
  return table;
}

std::string for_eyes(const Value& value) {
  if (const auto* number = value.as<double>()) return chars(*number, std::chars_format::general, 4);
  return cell(value);
}

}  // namespace facet
