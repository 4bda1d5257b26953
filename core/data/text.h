// The data source "text": plain text, a record a line, a paragraph or a file.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "facet/data.h"
#include "facet/schema.h"

namespace facet {

struct TextParams {
  std::string path;
  std::string sha256;
  std::string record = "line";
};
Schema<TextParams> text_schema();

/// Lines that are empty or hold only blanks make no record: they part paragraphs, and are left out
/// at both ends of a file. Lines of one record are joined by "\n"; other blanks stay. Record::id is
/// the file's name without .gz or .zst, and, unless a record is a file, the line on which the
/// record begins: "notes.txt:12".
class Text final : public Data {
 public:
  /// UserError when the hash is not the given one, or a folder has no text (.txt).
  explicit Text(const TextParams& params);
  std::unique_ptr<RecordReader> open() const override;

 private:
  std::string record_;
  std::vector<std::filesystem::path> files_;
};

}  // namespace facet
