// Bodies of a row file's metadata.
#include "cli/row_file.h"

#include <algorithm>

#include "facet/build.h"
#include "facet/error.h"
#include "facet/value.h"

namespace facet::cli {
namespace {

Value strings(const std::vector<std::string>& words) {
  return Value::Array(words.begin(), words.end());
}

}  // namespace

std::map<std::string, std::string> metadata_of(const RowOrigin& origin) {
  return {{"format", kRowFile},
          {"facet", FACET_VERSION},
          {"host", origin.host},
          {"host_weights", origin.weights},
          {"hookpoints", emit_json(strings(origin.hookpoints))},
          {"rows", origin.rows},
          {"pool", origin.pool}};
}

bool try_origin(const std::map<std::string, std::string>& metadata, const std::string& file,
                RowOrigin& origin) {
  const auto format = metadata.find("format");
  if (format == metadata.end() || format->second != kRowFile) return false;
  const auto text = [&](const char* key) {
    const auto found = metadata.find(key);
    if (found == metadata.end())
      throw UserError(file + ": metadata." + key + ": required in a file of the format \"" +
                      kRowFile + "\"");
    return found->second;
  };
  origin.host = text("host");
  origin.weights = text("host_weights");
  origin.rows = text("rows");
  origin.pool = text("pool");
  const std::string where = file + ": metadata.hookpoints";
  const Value points = parse_json(text("hookpoints"), where);
  if (!schema_detail::read(points, origin.hookpoints).empty())
    throw UserError(where + ": expected list of string, got " + points.describe());
  return true;
}

std::vector<std::string> differences(const SaeRecord& record, const RowOrigin& origin,
                                     const std::string& file, const std::string& tensor) {
  std::vector<std::string> problems;
  const auto compare = [&](const std::string& what, const std::string& trained,
                           const std::string& given) {
    if (trained != given)
      problems.push_back(file + ": " + what + ": is " + given + ", the SAE was trained on " +
                         trained);
  };
  compare("host", record.host_type, origin.host);
  compare("host weights", record.host_weights, origin.weights);
  const std::vector<std::string>& points = record.hookpoints;
  const bool of_a_layer = record.layers_as != "points" &&
                          std::find(points.begin(), points.end(), tensor) != points.end();
  const bool one_point = points.size() == 1;
  if (!of_a_layer) compare("hookpoint", one_point ? points.front() : "several", tensor);
  compare("rows", record.rows, origin.rows);
  compare("pool", record.pool, origin.pool);
  return problems;
}

}  // namespace facet::cli
