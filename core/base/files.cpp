// Bodies of the door to the disk.
#include "base/files.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>
#include <utility>
#include <vector>

#include "facet/error.h"

namespace facet {
namespace {

namespace fs = std::filesystem;

constexpr std::streamsize kCopyBytes = 1 << 20;
constexpr size_t kWriteBackBytes = 1 << 23;

int64_t bytes_until_full() {
  const char* text = std::getenv("FACET_DISK_FULL_AFTER");
  return text ? std::atoll(text) : -1;
}

// The seam: every byte that facet writes passes through here.
int64_t& disk_left() {
  static int64_t left = bytes_until_full();
  return left;
}

[[noreturn]] void refuse(const fs::path& file, const char* what, int error) {
  throw UserError(file.string() + ": cannot " + what + ": " + std::strerror(error));
}

void write_all(int descriptor, const fs::path& file, const void* bytes, size_t size) {
  const char* at = static_cast<const char*>(bytes);
  while (size > 0) {
    size_t part = std::min<size_t>(size, size_t{1} << 30);
    int64_t& left = disk_left();
    if (left >= 0) {
      if (left == 0) refuse(file, "write", ENOSPC);
      part = std::min<size_t>(part, static_cast<size_t>(left));
      left -= static_cast<int64_t>(part);
    }
    const ssize_t written = ::write(descriptor, at, part);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) refuse(file, "write", errno);
    at += written;
    size -= static_cast<size_t>(written);
  }
}

// Has the disk begin with what the system holds of a file, so that fsync(), which alone makes it
// safe and says what failed, waits for less.
void begin_write_back(int descriptor) {
#ifdef SYNC_FILE_RANGE_WRITE
  static_cast<void>(::sync_file_range(descriptor, 0, 0, SYNC_FILE_RANGE_WRITE) == 0);
#else
  static_cast<void>(descriptor);
#endif
}

void sync_folder(const fs::path& folder) {
  const int descriptor =
      ::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return;
  ::fsync(descriptor);
  ::close(descriptor);
}

}  // namespace

void fail_disk_after(int64_t bytes) { disk_left() = bytes; }

std::string read_file(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) refuse(file, "read", errno);
  if (fs::is_directory(file)) refuse(file, "read", EISDIR);
  std::ostringstream out;
  out << in.rdbuf();
  return std::move(out).str();
}

FileWriter::FileWriter(fs::path file)
    : file_(std::move(file)), partial_(file_.string() + ".partial") {
  descriptor_ = ::open(partial_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (descriptor_ < 0) refuse(file_, "write", errno);
}

FileWriter::~FileWriter() {
  if (descriptor_ < 0) return;
  ::close(descriptor_);
  ::unlink(partial_.c_str());
}

void FileWriter::put(const void* bytes, size_t size) {
  for (size_t done = 0; done < size;) {
    const size_t part = std::min(size - done, kWriteBackBytes);
    write_all(descriptor_, file_, static_cast<const char*>(bytes) + done, part);
    done += part;
    held_back_ += part;
    if (held_back_ < kWriteBackBytes) continue;
    begin_write_back(descriptor_);
    held_back_ = 0;
  }
}

void FileWriter::write(const void* bytes, size_t size) { put(bytes, size); }

void FileWriter::write_at(int64_t offset, const void* bytes, size_t size) {
  if (::lseek(descriptor_, offset, SEEK_SET) < 0) refuse(file_, "write", errno);
  put(bytes, size);
}

void FileWriter::copy_at(int64_t offset, const FileWriter& other) {
  if (::lseek(descriptor_, offset, SEEK_SET) < 0) refuse(file_, "write", errno);
  std::ifstream in(other.partial_, std::ios::binary);
  if (!in) refuse(other.file_, "read", errno);
  std::vector<char> piece(kCopyBytes);
  while (in.read(piece.data(), kCopyBytes), in.gcount() > 0)
    put(piece.data(), static_cast<size_t>(in.gcount()));
}

void FileWriter::commit() {
  FACET_ASSERT(descriptor_ >= 0, "commit() twice: " + file_.string());
  if (::fsync(descriptor_) != 0) refuse(file_, "write", errno);
  if (::close(std::exchange(descriptor_, -1)) != 0 ||
      ::rename(partial_.c_str(), file_.c_str()) != 0) {
    const int error = errno;
    ::unlink(partial_.c_str());
    refuse(file_, "write", error);
  }
  sync_folder(file_.parent_path());
}

void write_file(const fs::path& file, const std::string& bytes) {
  FileWriter out(file);
  out.write(bytes);
  out.commit();
}

Appender::Appender(fs::path file, int64_t keep) : file_(std::move(file)) {
  descriptor_ = ::open(file_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (descriptor_ < 0) refuse(file_, "write", errno);
  size_ = static_cast<int64_t>(::lseek(descriptor_, 0, SEEK_END));
  if (keep >= 0 && keep < size_) {
    if (::ftruncate(descriptor_, keep) != 0) refuse(file_, "write", errno);
    size_ = keep;
  }
}

Appender::~Appender() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

void Appender::line(const std::string& text) { append(text + "\n"); }

void Appender::append(const std::string& bytes) {
  try {
    write_all(descriptor_, file_, bytes.data(), bytes.size());
  } catch (const UserError&) {
    static_cast<void>(::ftruncate(descriptor_, size_) == 0);  // no half of it before the next
    throw;
  }
  size_ += static_cast<int64_t>(bytes.size());
}

void Appender::sync() {
  if (::fdatasync(descriptor_) != 0 && errno != EINVAL) refuse(file_, "write", errno);
}

void rename_folder(const fs::path& from, const fs::path& to) {
  for (const auto& entry : fs::recursive_directory_iterator(from)) {
    const int descriptor = ::open(entry.path().c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) refuse(entry.path(), "read", errno);
    ::fsync(descriptor);
    ::close(descriptor);
  }
  const fs::path old = to.string() + ".old";
  std::error_code none;
  fs::remove_all(old, none);
  const bool replaces = fs::exists(to);
  if (replaces && ::rename(to.c_str(), old.c_str()) != 0) refuse(to, "rename", errno);
  if (::rename(from.c_str(), to.c_str()) != 0) {
    const int error = errno;
    if (replaces) static_cast<void>(::rename(old.c_str(), to.c_str()) == 0);
    refuse(to, "rename", error);
  }
  sync_folder(to.parent_path());
  if (replaces) fs::remove_all(old, none);
}

}  // namespace facet
