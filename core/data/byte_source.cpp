// The one door to zlib and libzstd.
#include "data/byte_source.h"

#include <zlib.h>
#include <zstd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "facet/error.h"

namespace facet {
namespace {

using std::string_view_literals::operator""sv;

constexpr unsigned kBuffer = 1 << 18;

[[noreturn]] void refuse(const std::string& name, const std::string& why) {
  throw UserError(name + ": cannot read: " + why);
}

[[noreturn]] void refuse_cut(const std::string& name) {
  throw UserError(name + ": cut short: the compressed data ends before its end mark");
}

class Plain final : public ByteSource {
 public:
  explicit Plain(std::string name)
      : name_(std::move(name)), file_(std::fopen(name_.c_str(), "rb")) {
    if (!file_) refuse(name_, std::strerror(errno));
  }
  ~Plain() override { std::fclose(file_); }
  Plain(const Plain&) = delete;
  Plain& operator=(const Plain&) = delete;

  size_t read(char* into, size_t size) override {
    const size_t got = std::fread(into, 1, size, file_);
    if (got < size && std::ferror(file_)) refuse(name_, std::strerror(errno));
    return got;
  }

 private:
  std::string name_;
  std::FILE* file_;
};

class Gzip final : public ByteSource {
 public:
  explicit Gzip(std::string name) : name_(std::move(name)), file_(gzopen(name_.c_str(), "rb")) {
    if (!file_) refuse(name_, std::strerror(errno));
    gzbuffer(file_, kBuffer);
  }
  ~Gzip() override { gzclose_r(file_); }
  Gzip(const Gzip&) = delete;
  Gzip& operator=(const Gzip&) = delete;

  size_t read(char* into, size_t size) override {
    const int got = gzread(file_, into, static_cast<unsigned>(size));
    int code = Z_OK;
    const char* text = gzerror(file_, &code);
    if (code == Z_BUF_ERROR) refuse_cut(name_);
    if (code == Z_ERRNO) refuse(name_, std::strerror(errno));
    if (got < 0 || code != Z_OK) {
      const std::string why = text;  // zlib puts the name in front
      const std::string prefix = name_ + ": ";
      throw UserError(prefix +
                      "damaged: " + (why.starts_with(prefix) ? why.substr(prefix.size()) : why));
    }
    return static_cast<size_t>(got);
  }

 private:
  std::string name_;
  gzFile file_;
};

class Zstd final : public ByteSource {
 public:
  explicit Zstd(std::string name) : name_(std::move(name)), packed_(name_) {}
  ~Zstd() override { ZSTD_freeDCtx(context_); }
  Zstd(const Zstd&) = delete;
  Zstd& operator=(const Zstd&) = delete;

  size_t read(char* into, size_t size) override {
    ZSTD_outBuffer out = {into, size, 0};
    while (out.pos == 0) {
      if (in_.pos == in_.size) {
        in_ = {buffer_.data(), packed_.read(buffer_.data(), buffer_.size()), 0};
        // Nothing is left to come, but what was taken in may not be given out yet.
        if (in_.size == 0 && !within_frame_) return 0;
      }
      const bool ended = in_.size == 0;
      const size_t code = ZSTD_decompressStream(context_, &out, &in_);
      if (ZSTD_isError(code)) throw UserError(name_ + ": damaged: " + ZSTD_getErrorName(code));
      within_frame_ = code != 0;
      if (ended && within_frame_ && out.pos == 0) refuse_cut(name_);
    }
    return out.pos;
  }

 private:
  std::string name_;
  Plain packed_;
  std::vector<char> buffer_ = std::vector<char>(kBuffer);
  ZSTD_DCtx* context_ = ZSTD_createDCtx();
  ZSTD_inBuffer in_ = {nullptr, 0, 0};
  bool within_frame_ = false;
};

}  // namespace

ByteSource::~ByteSource() = default;

std::unique_ptr<ByteSource> open_bytes(const std::filesystem::path& file) {
  const std::string name = file.string();
  if (std::filesystem::is_directory(file)) refuse(name, std::strerror(EISDIR));
  char first[6] = {};
  const size_t got = Plain(name).read(first, sizeof first);
  const std::string_view magic(first, got);
  if (magic.starts_with("\x1f\x8b"sv)) return std::make_unique<Gzip>(name);
  if (magic.starts_with("\x28\xb5\x2f\xfd"sv)) return std::make_unique<Zstd>(name);
  const std::pair<std::string_view, const char*> others[] = {{"BZh"sv, "bzip2"},
                                                             {"\xfd"
                                                              "7zXZ\0"sv,
                                                              "xz"},
                                                             {"PK\x03\x04"sv, "zip"}};
  for (const auto& [mark, format] : others)
    if (magic.starts_with(mark))
      refuse(name, std::string("packed as ") + format + ", should be plain, gzip or zstd");
  return std::make_unique<Plain>(name);
}

}  // namespace facet
