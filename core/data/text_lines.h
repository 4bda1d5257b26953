// Lines of a text file, plain or gzip, in bounded memory.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

namespace facet {

/// Reads a file line by line; gzip is recognised by its content, members that follow one another
/// are joined.
class TextLines {
 public:
  /// UserError "file: cannot read: <why>".
  explicit TextLines(const std::filesystem::path& file);
  ~TextLines();

  /// The next line without its end (LF or CRLF; the last line may have none). False at the end.
  /// UserError "file: cut short: ..." or "file: damaged: ..." when the compressed data ends early
  /// or is not what was written.
  bool next(std::string& line);
  /// Of the line that next() gave last, from 1.
  int64_t number() const { return number_; }
  /// "file:line".
  std::string where() const;

 private:
  struct Stream;
  bool fill();

  std::string name_;
  std::unique_ptr<Stream> stream_;
  int64_t number_ = 0;
};

}  // namespace facet
