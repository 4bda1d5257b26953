// Reads tables one line at a time.
#include "data/tsv.h"

#include <algorithm>

#include "data/source_files.h"
#include "data/text_lines.h"
#include "facet/error.h"

namespace facet {
namespace {

constexpr size_t kNone = static_cast<size_t>(-1);

std::vector<std::string> fields_of(const std::string& line) {
  std::vector<std::string> fields;
  for (size_t begin = 0;;) {
    const size_t end = std::min(line.find('\t', begin), line.size());
    fields.push_back(line.substr(begin, end - begin));
    if (end == line.size()) return fields;
    begin = end + 1;
  }
}

class TsvReader final : public RecordReader {
 public:
  TsvReader(const std::filesystem::path& file, const TsvParams& params)
      : name_(unpacked_name(file)), lines_(file) {
    if (!next_line()) return;
    header_line_ = lines_.number();
    columns_ = fields_of(line_);
    std::vector<std::string> problems;
    for (size_t i = 0; i < columns_.size(); ++i)
      if (std::find(columns_.begin(), columns_.begin() + static_cast<int64_t>(i), columns_[i]) !=
          columns_.begin() + static_cast<int64_t>(i))
        problems.push_back(lines_.where() + ": column \"" + columns_[i] + "\" stands twice");
    id_ = params.id.empty() ? kNone : find(params.id, problems);
    text_ = find(params.text, problems);
    if (!problems.empty()) throw UserError(problems);
  }

  bool next(Record& record) override {
    if (!next_line()) return false;
    std::vector<std::string> fields = fields_of(line_);
    if (fields.size() != columns_.size())
      throw UserError(lines_.where() + ": has " + std::to_string(fields.size()) +
                      " columns, should have " + std::to_string(columns_.size()) + " as line " +
                      std::to_string(header_line_) + " names them");
    for (const size_t i : {id_, text_})
      if (i != kNone && fields[i].empty())
        throw UserError(lines_.where() + ": column \"" + columns_[i] + "\" is empty");
    record = Record();
    record.id = id_ == kNone ? name_ + ":" + std::to_string(lines_.number()) : fields[id_];
    for (size_t i = 0; i < fields.size(); ++i)
      if (i != id_ && i != text_) record.columns[columns_[i]] = std::move(fields[i]);
    record.text = std::move(fields[text_]);
    return true;
  }

 private:
  bool next_line() {
    while (lines_.next(line_))
      if (!line_.empty()) return true;
    return false;
  }

  size_t find(const std::string& column, std::vector<std::string>& problems) const {
    const auto found = std::find(columns_.begin(), columns_.end(), column);
    if (found == columns_.end())
      problems.push_back(lines_.where() + ": column \"" + column + "\" is missing" +
                         has_instead(column, columns_));
    return static_cast<size_t>(found - columns_.begin());
  }

  std::string name_;
  TextLines lines_;
  std::string line_;
  std::vector<std::string> columns_;
  int64_t header_line_ = 0;
  size_t id_ = kNone;  // index of the column; none: file name and line
  size_t text_ = 0;
};

}  // namespace

Schema<TsvParams> tsv_schema() {
  return file_schema<TsvParams>(
             "Table of columns parted by tabs, or a folder of them; plain, gzip or zstd.")
      .field("id", &TsvParams::id,
             "Column that names a record; empty: the file's name and the line.")
      .field("text", &TsvParams::text, "Column with the sequence or text.");
}

Tsv::Tsv(const TsvParams& params)
    : params_(params), files_(files_of(params.path, params.sha256, {".tsv", ".tab"})) {}

std::unique_ptr<RecordReader> Tsv::open() const {
  return read_in_turn(files_, [params = params_](const std::filesystem::path& file) {
    return std::make_unique<TsvReader>(file, params);
  });
}

}  // namespace facet
