// The central directory, backwards from the end of the file, as zip readers find it.
#include "tensor/zip_file.h"

#include <algorithm>

#include "facet/error.h"

namespace facet {
namespace {

constexpr uint32_t kEndMark = 0x06054b50, kEnd64Mark = 0x06064b50, kLocator64Mark = 0x07064b50,
                   kEntryMark = 0x02014b50, kLocalMark = 0x04034b50;
constexpr uint64_t kEndBytes = 22, kEnd64Bytes = 56, kLocator64Bytes = 20, kEntryBytes = 46,
                   kLocalBytes = 30, kLongestComment = 65535;
constexpr uint64_t kIn64 = 0xffffffff, kCountIn64 = 0xffff;  // the number stands in zip64's record
constexpr uint64_t kExtra64 = 1;
constexpr uint64_t kEncrypted = 1;  // bit of an entry's flags

}  // namespace

ZipFile::ZipFile(const std::filesystem::path& file)
    : path_(file), bytes_(std::make_shared<const MappedFile>(file)) {
  read_entries(directory());
}

void ZipFile::refuse(const std::string& what) const {
  throw UserError(path_.string() + ": " + what);
}

// A little-endian number; UserError when it is not in the file.
uint64_t ZipFile::number(uint64_t offset, int bytes) const {
  const auto size = static_cast<uint64_t>(bytes_->size());
  if (offset > size || size - offset < static_cast<uint64_t>(bytes))
    refuse("damaged: a zip header lies outside of the file");
  uint64_t out = 0;
  for (int i = bytes - 1; i >= 0; --i)
    out = out << 8 | static_cast<unsigned char>(*bytes_->at(static_cast<int64_t>(offset) + i));
  return out;
}

uint64_t ZipFile::end_of_directory() const {
  const auto size = static_cast<uint64_t>(bytes_->size());
  if (size >= kEndBytes) {
    const uint64_t lowest = size - std::min(size, kEndBytes + kLongestComment);
    for (uint64_t at = size - kEndBytes + 1; at-- > lowest;)
      if (number(at, 4) == kEndMark && at + kEndBytes + number(at + 20, 2) == size) return at;
  }
  refuse("no zip archive, or cut short: has no end of the directory");
}

ZipFile::Directory ZipFile::directory() const {
  const uint64_t end = end_of_directory();
  if (number(end + 4, 2) != 0 || number(end + 6, 2) != 0)
    refuse("spans several disks, should be one file");
  Directory out{number(end + 16, 4), number(end + 12, 4), number(end + 10, 2)};
  if (out.offset == kIn64 || out.size == kIn64 || out.entries == kCountIn64) {
    if (end < kLocator64Bytes || number(end - kLocator64Bytes, 4) != kLocator64Mark)
      refuse("damaged: zip64's locator is missing");
    const uint64_t at = number(end - kLocator64Bytes + 8, 8);
    if (number(at, 4) != kEnd64Mark) refuse("damaged: zip64's end of the directory is missing");
    number(at, kEnd64Bytes);  // it is whole
    out = {number(at + 48, 8), number(at + 40, 8), number(at + 32, 8)};
  }
  if (out.offset > end || out.size > end - out.offset)
    refuse("damaged: the zip directory lies outside of the file");
  if (out.entries > out.size / kEntryBytes)
    refuse("damaged: the zip directory says " + std::to_string(out.entries) + " files");
  return out;
}

void ZipFile::read_entries(const Directory& where) {
  uint64_t at = where.offset;
  const uint64_t end = where.offset + where.size;
  for (uint64_t i = 0; i < where.entries; ++i) {
    if (end - at < kEntryBytes || number(at, 4) != kEntryMark)
      refuse("damaged: entry " + std::to_string(i) + " of the zip directory is none");
    const uint64_t flags = number(at + 8, 2), method = number(at + 10, 2);
    uint64_t packed = number(at + 20, 4), size = number(at + 24, 4), header = number(at + 42, 4);
    const uint64_t name_bytes = number(at + 28, 2), extra_bytes = number(at + 30, 2),
                   comment_bytes = number(at + 32, 2);
    const uint64_t whole = kEntryBytes + name_bytes + extra_bytes + comment_bytes;
    if (end - at < whole) refuse("damaged: the zip directory is cut short");
    const auto name_at = static_cast<int64_t>(at + kEntryBytes);
    const std::string name(bytes_->view(name_at, name_at + static_cast<int64_t>(name_bytes)));
    uint64_t extra = at + kEntryBytes + name_bytes;
    const uint64_t extra_end = extra + extra_bytes;
    while (extra_end - extra >= 4) {
      const uint64_t kind = number(extra, 2), bytes = number(extra + 2, 2);
      if (extra_end - extra - 4 < bytes) refuse("damaged: " + name + ": its extra field is cut");
      uint64_t field = extra + 4;
      const uint64_t field_end = field + bytes;
      for (uint64_t* one : {&size, &packed, &header})
        if (kind == kExtra64 && *one == kIn64 && field_end - field >= 8) {
          *one = number(field, 8);
          field += 8;
        }
      extra = field_end;
    }
    if (flags & kEncrypted) refuse(name + ": is encrypted, should not be");
    if (method != 0)
      refuse(name + ": is compressed (method " + std::to_string(method) +
             "), should be stored as it is");
    if (packed != size) refuse("damaged: " + name + ": has two sizes");
    const auto data = static_cast<int64_t>(data_of(name, header, size));
    const auto [known, added] =
        entries_.try_emplace(name, bytes_->view(data, data + static_cast<int64_t>(size)));
    if (!added) refuse("damaged: holds " + name + " twice");
    at += whole;
  }
}

// Where the bytes of a file begin, behind its local header.
uint64_t ZipFile::data_of(const std::string& name, uint64_t header, uint64_t size) const {
  if (number(header, 4) != kLocalMark) refuse("damaged: " + name + ": has no local header");
  const uint64_t data = header + kLocalBytes + number(header + 26, 2) + number(header + 28, 2);
  const auto all = static_cast<uint64_t>(bytes_->size());
  if (data > all || size > all - data) refuse("damaged: " + name + ": leaves the file");
  return data;
}

}  // namespace facet
