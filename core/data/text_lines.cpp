// The one door to zlib.
#include "data/text_lines.h"

#include <zlib.h>

#include <cerrno>
#include <cstring>
#include <vector>

#include "facet/error.h"

namespace facet {

namespace {

constexpr unsigned kBuffer = 1 << 18;

}  // namespace

struct TextLines::Stream {
  gzFile file = nullptr;
  std::vector<char> buffer = std::vector<char>(kBuffer);
  size_t begin = 0;
  size_t end = 0;

  ~Stream() {
    if (file) gzclose_r(file);
  }
};

TextLines::TextLines(const std::filesystem::path& file)
    : name_(file.string()), stream_(new Stream) {
  if (std::filesystem::is_directory(file))
    throw UserError(name_ + ": cannot read: " + std::strerror(EISDIR));
  stream_->file = gzopen(name_.c_str(), "rb");
  if (!stream_->file) throw UserError(name_ + ": cannot read: " + std::strerror(errno));
  gzbuffer(stream_->file, kBuffer);
}

TextLines::~TextLines() = default;

std::string TextLines::where() const { return name_ + ":" + std::to_string(number_); }

bool TextLines::fill() {
  Stream& s = *stream_;
  const int got = gzread(s.file, s.buffer.data(), kBuffer);
  int code = Z_OK;
  const char* text = gzerror(s.file, &code);
  if (code == Z_BUF_ERROR)
    throw UserError(name_ + ": cut short: the compressed data ends before its end mark");
  if (code == Z_ERRNO) throw UserError(name_ + ": cannot read: " + std::strerror(errno));
  if (got < 0 || code != Z_OK) {
    const std::string why = text;  // zlib puts the name in front
    const std::string prefix = name_ + ": ";
    throw UserError(prefix +
                    "damaged: " + (why.starts_with(prefix) ? why.substr(prefix.size()) : why));
  }
  s.begin = 0;
  s.end = static_cast<size_t>(got);
  return got > 0;
}

bool TextLines::next(std::string& line) {
  Stream& s = *stream_;
  line.clear();
  bool any = false;
  while (s.begin < s.end || fill()) {
    any = true;
    const char* from = s.buffer.data() + s.begin;
    const void* found = std::memchr(from, '\n', s.end - s.begin);
    const size_t length = found ? static_cast<const char*>(found) - from : s.end - s.begin;
    line.append(from, length);
    s.begin += length + (found ? 1 : 0);
    if (found) break;
  }
  if (any) ++number_;
  if (!line.empty() && line.back() == '\r') line.pop_back();
  return any;
}

}  // namespace facet
