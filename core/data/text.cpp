// Reads plain text and gathers its lines into records.
#include "data/text.h"

#include "data/source_files.h"
#include "data/text_lines.h"

namespace facet {
namespace {

class TextReader final : public RecordReader {
 public:
  TextReader(const std::filesystem::path& file, const std::string& record)
      : name_(unpacked_name(file)), record_(record), lines_(file) {}

  bool next(Record& record) override {
    record = Record();
    std::string blanks;  // lines since the last one with text
    while (lines_.next(line_)) {
      const bool blank = line_.find_first_not_of(" \t\v\f") == std::string::npos;
      if (blank && record.text.empty()) continue;
      if (blank && record_ != "file") return true;
      if (blank) {
        blanks += "\n" + line_;
        continue;
      }
      if (record.text.empty())
        record.id = name_ + (record_ == "file" ? "" : ":" + std::to_string(lines_.number()));
      else
        record.text += blanks + "\n";
      record.text += line_;
      blanks.clear();
      if (record_ == "line") return true;
    }
    return !record.text.empty();
  }

 private:
  std::string name_;
  std::string record_;
  TextLines lines_;
  std::string line_;
};

}  // namespace

Schema<TextParams> text_schema() {
  return file_schema<TextParams>("Text file, or a folder of them; plain, gzip or zstd.")
      .field("record", &TextParams::record,
             "What one record is; paragraphs are parted by blank lines.",
             one_of({"line", "paragraph", "file"}));
}

Text::Text(const TextParams& params)
    : record_(params.record), files_(files_of(params.path, params.sha256, {".txt"})) {}

std::unique_ptr<RecordReader> Text::open() const {
  return read_in_turn(files_, [record = record_](const std::filesystem::path& file) {
    return std::make_unique<TextReader>(file, record);
  });
}

}  // namespace facet
