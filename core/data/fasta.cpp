// Reads FASTA one record at a time and refuses what is none.
#include "data/fasta.h"

#include <algorithm>
#include <cstdio>

#include "base/hash.h"
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

/// The index of the first byte that no text file has, or npos.
size_t binary_byte(const std::string& line) {
  for (size_t i = 0; i < line.size(); ++i) {
    const auto byte = static_cast<unsigned char>(line[i]);
    if ((byte < ' ' && byte != '\t' && byte != '\r') || byte == 0x7f) return i;
  }
  return std::string::npos;
}

class FastaReader final : public RecordReader {
 public:
  explicit FastaReader(const std::string& path) : path_(path), lines_(path) { start(); }

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
    if (record.text.empty())
      throw UserError(path_ + ":" + std::to_string(header_line_) + ": record \"" + record.id +
                      "\": empty sequence");
    if (have_header_) header_line_ = lines_.number();
    return true;
  }

 private:
  /// Goes to the first header.
  void start() {
    while (lines_.next(line_)) {
      if (lines_.number() == 1 && line_.starts_with("\xEF\xBB\xBF")) line_.erase(0, 3);
      trim_end(line_);
      if (line_.empty()) continue;
      if (const size_t at = binary_byte(line_); at != std::string::npos) {
        throw UserError(lines_.where() + ": " + shown(line_[at]) + " in column " +
                        std::to_string(at + 1) + ": this is no FASTA file");
      }
      if (!line_.starts_with('>'))
        throw UserError(lines_.where() + ": text before the first header: \"" +
                        line_.substr(0, 40) + "\", should be a line that starts with \">\"");
      have_header_ = true;
      header_line_ = lines_.number();
      return;
    }
    throw UserError(path_ + ": no records");
  }

  void read_header(Record& record) const {
    const std::string where = path_ + ":" + std::to_string(header_line_) + ": ";
    if (line_.find('\r') != std::string::npos)
      throw UserError(where + "carriage return inside a line: lines should end in LF or CRLF");
    if (const size_t at = binary_byte(line_); at != std::string::npos)
      throw UserError(where + shown(line_[at]) + " in column " + std::to_string(at + 1) +
                      ": this is no FASTA file");
    const size_t begin = line_.find_first_not_of(" \t", 1);
    if (begin == std::string::npos) throw UserError(where + "header without a name");
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
  TextLines lines_;
  std::string line_;  // the header that comes next, between two calls
  bool have_header_ = false;
  int64_t header_line_ = 0;
};

}  // namespace

Schema<FastaParams> fasta_schema() {
  return Schema<FastaParams>()
      .field("path", &FastaParams::path, "FASTA file, plain or gzip.", required, input_path)
      .field("sha256", &FastaParams::sha256,
             "SHA-256 of the file's bytes; the file is refused when it differs.");
}

Fasta::Fasta(const FastaParams& params) : path_(params.path) {
  if (params.sha256.empty()) return;
  if (const std::string is = sha256_path(path_); is != params.sha256)
    throw UserError(path_ + ": sha256 is " + is + ", should be " + params.sha256);
}

std::unique_ptr<RecordReader> Fasta::open() const { return std::make_unique<FastaReader>(path_); }

}  // namespace facet
