// Reads JSON Lines one object at a time.
#include "data/jsonl.h"

#include "base/json_line.h"
#include "data/source_files.h"
#include "data/text_lines.h"
#include "facet/error.h"

namespace facet {
namespace {

/// A string as it is, another scalar as JSON; nothing for null, lists and objects.
std::string scalar_text(const Value& value) {
  if (const auto* text = value.as<std::string>()) return *text;
  if (value.empty() || value.is<Value::Array>() || value.is<Value::Table>()) return "";
  return emit_json(value);
}

class JsonlReader final : public RecordReader {
 public:
  JsonlReader(const std::filesystem::path& file, const JsonlParams& params)
      : path_(file.string()), name_(unpacked_name(file)), params_(params), lines_(file) {}

  bool next(Record& record) override {
    do {
      if (!lines_.next(line_)) return false;
    } while (line_.find_first_not_of(" \t") == std::string::npos);
    const Value object = parse_json_line(line_, path_, static_cast<int>(lines_.number()));
    const auto* members = object.as<Value::Table>();
    if (!members)
      throw UserError(lines_.where() + ": is " + object.describe() + ", should be a JSON object");
    record = Record();
    record.id = id_of(object);
    record.text = text_of(object);
    for (const auto& [key, value] : *members)
      if (std::string text = scalar_text(value);
          key != params_.id && key != params_.text && (!text.empty() || value.is<std::string>()))
        record.columns[key] = std::move(text);
    return true;
  }

 private:
  std::string id_of(const Value& object) const {
    if (params_.id.empty()) return name_ + ":" + std::to_string(lines_.number());
    const Value& id = member(object, params_.id);
    if (!id.is<std::string>() && !id.is<int64_t>())
      throw UserError(lines_.where() + ": key \"" + params_.id + "\" is " + id.describe() +
                      ", should be a string or an integer");
    return scalar_text(id);
  }

  std::string text_of(const Value& object) const {
    const Value& value = member(object, params_.text);
    const auto* text = value.as<std::string>();
    if (!text || text->empty())
      throw UserError(lines_.where() + ": key \"" + params_.text + "\" is " + value.describe() +
                      ", should be a string that is not empty");
    return *text;
  }

  const Value& member(const Value& object, const std::string& key) const {
    if (const Value* found = object.find(key)) return *found;
    std::vector<std::string> keys;
    for (const auto& [known, value] : *object.as<Value::Table>()) keys.push_back(known);
    throw UserError(lines_.where() + ": key \"" + key + "\" is missing" + has_instead(key, keys));
  }

  std::string path_;
  std::string name_;
  JsonlParams params_;
  TextLines lines_;
  std::string line_;
};

}  // namespace

Schema<JsonlParams> jsonl_schema() {
  return file_schema<JsonlParams>(
             "File with one JSON object a line, or a folder of them; plain, gzip or zstd.")
      .field("id", &JsonlParams::id,
             "Key that names a record; empty: the file's name and the line.")
      .field("text", &JsonlParams::text, "Key of the sequence or text.");
}

Jsonl::Jsonl(const JsonlParams& params)
    : params_(params), files_(files_of(params.path, params.sha256, {".jsonl", ".ndjson"})) {}

std::unique_ptr<RecordReader> Jsonl::open() const {
  return read_in_turn(files_, [params = params_](const std::filesystem::path& file) {
    return std::make_unique<JsonlReader>(file, params);
  });
}

}  // namespace facet
