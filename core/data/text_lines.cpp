// Cuts the bytes of a file into lines and refuses what is no text.
#include "data/text_lines.h"

#include <algorithm>
#include <cstdio>
#include <cstring>

#include "data/byte_source.h"
#include "facet/error.h"

namespace facet {

namespace {

constexpr size_t kBlock = 1 << 18;

/// A tab, a carriage return and the breaks of old printers (\v, \f) stand in texts.
bool is_binary(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte == 0x7f || (byte < ' ' && byte != '\t' && !(byte >= '\v' && byte <= '\r'));
}

}  // namespace

TextLines::TextLines(const std::filesystem::path& file, size_t longest)
    : name_(file.string()), bytes_(open_bytes(file)), longest_(longest), buffer_(kBlock) {}

TextLines::~TextLines() = default;

std::string TextLines::where() const { return name_ + ":" + std::to_string(number_); }

void TextLines::refuse_next(const std::string& what) const {
  throw UserError(name_ + ":" + std::to_string(number_ + 1) + ": " + what);
}

bool TextLines::fill() {
  begin_ = 0;
  end_ = bytes_->read(buffer_.data(), buffer_.size());
  return end_ > 0;
}

void TextLines::take(const char* from, size_t length, std::string& line) const {
  const char* const binary = std::find_if(from, from + length, is_binary);
  if (binary != from + length) {
    char text[80];
    std::snprintf(text, sizeof(text), "byte 0x%02x in column %zu: this is no text file",
                  static_cast<unsigned char>(*binary), line.size() + (binary - from) + 1);
    refuse_next(text);
  }
  if (line.size() + length > longest_)
    refuse_next("line is longer than " + std::to_string(longest_) + " bytes");
  line.append(from, length);
}

bool TextLines::next(std::string& line) {
  line.clear();
  bool any = false;
  while (begin_ < end_ || fill()) {
    any = true;
    const char* from = buffer_.data() + begin_;
    const void* found = std::memchr(from, '\n', end_ - begin_);
    const size_t length = found ? static_cast<const char*>(found) - from : end_ - begin_;
    take(from, length, line);
    begin_ += length + (found ? 1 : 0);
    if (found) break;
  }
  if (!any) return false;
  if (!line.empty() && line.back() == '\r') line.pop_back();
  if (line.find('\r') != std::string::npos)
    refuse_next("carriage return inside a line: lines should end in LF or CRLF");
  if (++number_ == 1 && line.starts_with("\xEF\xBB\xBF")) line.erase(0, 3);
  return true;
}

}  // namespace facet
