// The data source "jsonl": one JSON object a line.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "facet/data.h"
#include "facet/schema.h"

namespace facet {

struct JsonlParams {
  std::string path;
  std::string sha256;
  std::string id = "id";
  std::string text = "text";
};
Schema<JsonlParams> jsonl_schema();

/// The id is a string or an integer, the text a string. Other keys become Record::columns when they
/// hold a string, a number or a bool, written as JSON writes it; null, lists and objects are left
/// out. Blank lines are skipped. UserError with file, line and, where JSON is not valid, column.
class Jsonl final : public Data {
 public:
  /// UserError when the hash is not the given one, or a folder has no such file (.jsonl, .ndjson).
  explicit Jsonl(const JsonlParams& params);
  std::unique_ptr<RecordReader> open() const override;

 private:
  JsonlParams params_;
  std::vector<std::filesystem::path> files_;
};

}  // namespace facet
