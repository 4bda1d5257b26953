// Reads the goldens of the statistics.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "facet/value.h"

namespace facet {

inline std::string golden_text(const std::string& name) {
  std::ifstream in(FACET_TEST_DATA "/go_stats/" + name);
  std::ostringstream text;
  text << in.rdbuf();
  EXPECT_TRUE(in) << name;
  return text.str();
}

inline Value golden_json(const std::string& name) { return parse_json(golden_text(name), name); }

/// The rows of a table with a line of names.
inline std::vector<std::map<std::string, std::string>> golden_rows(const std::string& name) {
  const auto cells = [](const std::string& line) {
    std::vector<std::string> out;
    std::istringstream in(line);
    for (std::string cell; std::getline(in, cell, '\t');) out.push_back(cell);
    return out;
  };
  std::istringstream in(golden_text(name));
  std::string line;
  std::getline(in, line);
  const std::vector<std::string> names = cells(line);
  std::vector<std::map<std::string, std::string>> rows;
  while (std::getline(in, line)) {
    const std::vector<std::string> values = cells(line);
    for (auto& row = rows.emplace_back(); const std::string& column : names)
      row[column] = values.at(row.size());
  }
  return rows;
}

inline double number_of(const Value& value) {
  const auto* whole = value.as<int64_t>();
  return whole ? static_cast<double>(*whole) : std::get<double>(value.data);
}

inline std::vector<double> numbers_of(const Value& array) {
  std::vector<double> out;
  for (const Value& value : std::get<Value::Array>(array.data)) out.push_back(number_of(value));
  return out;
}

}  // namespace facet
