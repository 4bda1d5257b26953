// Reads FASTA one record at a time and refuses what is none.
#include "data/fasta.h"

#include <algorithm>
#include <cstdio>

#include "data/source_files.h"
#include "data/text_lines.h"
#include "facet/error.h"

namespace facet {

namespace {

bool is_letter(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '*' || c == '-' || c == '.';
}

bool is_blank(char c) { return c == ' ' || c == '\t'; }

std::string shown(char c) {
  const auto byte = static_cast<unsigned char>(c);
  if (byte > ' ' && byte < 0x7f) return "letter \"" + std::string(1, c) + "\"";
  char text[16];
  std::snprintf(text, sizeof(text), "byte 0x%02x", byte);
  return text;
}

class FastaReader final : public RecordReader {
 public:
  FastaReader(const std::filesystem::path& path, bool strip_stop)
      : path_(path.string()), strip_stop_(strip_stop), lines_(path) {
    start();
  }

  bool next(Record& record) override {
    if (!have_header_) return false;
    record = Record();
    read_header(record);
    have_header_ = false;
    while (lines_.next(line_)) {
      if (line_.starts_with('>')) {
        have_header_ = true;
        break;
      }
      add_sequence(record);
    }
    while (strip_stop_ && record.text.ends_with('*')) record.text.pop_back();
    if (record.text.empty())
      throw UserError(path_ + ":" + std::to_string(header_line_) + ": record \"" + record.id +
                      "\": empty sequence");
    if (have_header_) header_line_ = lines_.number();
    return true;
  }

 private:
  /// Goes to the first header, if there is one.
  void start() {
    while (lines_.next(line_)) {
      trim_end(line_);
      if (line_.empty()) continue;
      if (!line_.starts_with('>'))
        throw UserError(lines_.where() + ": text before the first header: \"" +
                        line_.substr(0, 40) + "\", should be a line that starts with \">\"");
      have_header_ = true;
      header_line_ = lines_.number();
      return;
    }
  }

  void read_header(Record& record) const {
    const size_t begin = line_.find_first_not_of(" \t", 1);
    if (begin == std::string::npos)
      throw UserError(path_ + ":" + std::to_string(header_line_) + ": header without a name");
    const size_t end = std::min(line_.find_first_of(" \t", begin), line_.size());
    record.id = line_.substr(begin, end - begin);
    const size_t rest = line_.find_first_not_of(" \t", end);
    std::string description = rest == std::string::npos ? "" : line_.substr(rest);
    trim_end(description);
    record.columns["description"] = std::move(description);
  }

  void add_sequence(Record& record) {
    trim_end(line_);
    for (size_t i = 0; i < line_.size(); ++i)
      if (!is_letter(line_[i]))
        throw UserError(lines_.where() + ": record \"" + record.id + "\": " + shown(line_[i]) +
                        " in column " + std::to_string(i + 1) +
                        ", should be a letter, \"*\", \"-\" or \".\"");
    record.text += line_;
  }

  static void trim_end(std::string& text) {
    while (!text.empty() && is_blank(text.back())) text.pop_back();
  }

  std::string path_;
  bool strip_stop_;
  TextLines lines_;
  std::string line_;  // the header that comes next, between two calls
  bool have_header_ = false;
  int64_t header_line_ = 0;
};

}  // namespace

Schema<FastaParams> fasta_schema() {
  return file_schema<FastaParams>("FASTA file, or a folder of them; plain, gzip or zstd.")
      .field("stop", &FastaParams::stop,
             "What happens to \"*\" at the end of a sequence, which translation programs write for "
             "the stop codon.",
             one_of({"keep", "remove"}));
}

Fasta::Fasta(const FastaParams& params)
    : files_(files_of(params.path, params.sha256, {".fasta", ".fa", ".faa", ".fna", ".fas"})),
      strip_stop_(params.stop == "remove") {}

std::unique_ptr<RecordReader> Fasta::open() const {
  return read_in_turn(files_, [strip = strip_stop_](const std::filesystem::path& file) {
    return std::make_unique<FastaReader>(file, strip);
  });
}

}  // namespace facet
