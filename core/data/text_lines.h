// Lines of a text file, plain, gzip or zstd, in bounded memory.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace facet {

class ByteSource;

/// Reads a file line by line; how it is packed is seen from its content (data/byte_source.h). A
/// byte order mark is left out.
class TextLines {
 public:
  /// longest  bytes of a line; a longer one is refused, so that no file fills the memory.
  /// UserError "file: cannot read: <why>".
  explicit TextLines(const std::filesystem::path& file, size_t longest = size_t{1} << 30);
  ~TextLines();

  /// The next line without its end (LF or CRLF; the last line may have none). False at the end.
  /// UserError "file: cut short: ..." or "file: damaged: ..." for packed data, "file:line: ..." for
  /// a byte that no text has (a control character), a carriage return inside a line, and a line
  /// that is too long.
  bool next(std::string& line);
  /// Of the line that next() gave last, from 1.
  int64_t number() const { return number_; }
  /// "file:line".
  std::string where() const;

 private:
  bool fill();
  void take(const char* from, size_t length, std::string& line) const;
  [[noreturn]] void refuse_next(const std::string& what) const;

  std::string name_;
  std::unique_ptr<ByteSource> bytes_;
  size_t longest_;
  std::vector<char> buffer_;
  size_t begin_ = 0;
  size_t end_ = 0;
  int64_t number_ = 0;
};

}  // namespace facet
