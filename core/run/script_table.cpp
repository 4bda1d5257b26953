// The verb table: what a script worked out, as a file of the run and in its report.
#include <algorithm>
#include <cctype>

#include "base/files.h"
#include "run/experiment.h"
#include "run/verb_text.h"

namespace facet {
namespace {

struct ScriptTable {
  std::string name;
  std::string title;
  Value columns;
  Value rows;
};

bool is_file_word(const std::string& name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](unsigned char c) {
    return std::isalnum(c) || c == '_' || c == '-';
  });
}

Schema<ScriptTable> script_table_schema() {
  return Schema<ScriptTable>()
      .field("name", &ScriptTable::name, "Of the file, artefacts/NAME.tsv.", required)
      .field("title", &ScriptTable::title, "A sentence for the report.", required)
      .field("columns", &ScriptTable::columns, "List of { name = ..., definition = ... }.",
             required)
      .field("rows", &ScriptTable::rows, "List of lists, one value for each column.", required)
      .check([](const ScriptTable& t) { return is_file_word(t.name); },
             "name: should be letters, digits, - and _ only");
}

const Value::Array& list_of(const Value& value, const std::string& where) {
  const auto* list = value.as<Value::Array>();
  if (!list || list->empty())
    throw UserError(where + ": is " + value.describe() + ", should be a list with an entry");
  return *list;
}

Table table_given(const ScriptTable& given, const std::string& where) {
  std::vector<Column> columns;
  for (const Value& column : list_of(given.columns, where + ".columns")) {
    const std::string place = where + ".columns[" + std::to_string(columns.size() + 1) + "]";
    const Value *name = column.find("name"), *definition = column.find("definition");
    if (!name || !definition || !name->is<std::string>() || !definition->is<std::string>())
      throw UserError(place + ": is " + column.describe() +
                      ", should be { name = text, definition = text }");
    columns.push_back({*name->as<std::string>(), *definition->as<std::string>()});
  }
  Table out(columns);
  for (const Value& row : list_of(given.rows, where + ".rows")) {
    const std::string place = where + ".rows[" + std::to_string(out.rows().size() + 1) + "]";
    const Value::Array& values = list_of(row, place);
    if (values.size() != columns.size())
      throw UserError(place + ": has " + std::to_string(values.size()) + " values, should have " +
                      std::to_string(columns.size()) + ", one for each column");
    for (const Value& value : values)
      if (value.is<Value::Array>() || value.is<Value::Table>())
        throw UserError(place + ": has " + value.describe() + ", should have numbers and texts");
    out.add(values);
  }
  return out;
}

}  // namespace

void Experiment::table(const Value& given) {
  const std::string where = at(given) + "table";
  std::vector<std::string> problems;
  const ScriptTable asked =
      script_table_schema().parse_into("table", given, Demand::whole, problems);
  if (!problems.empty()) throw UserError(problems);
  const Table table = table_given(asked, where);
  const std::string file = asked.name + ".tsv";
  if (!analysed_.insert(file).second)
    throw UserError(where + ".name: \"" + asked.name + "\" is the name of another table");
  write_file(folder_->path("artefacts", file), emit_tsv(table));
  page_.tables.push_back({file, asked.title, table, static_cast<int64_t>(table.rows().size())});
}

}  // namespace facet
