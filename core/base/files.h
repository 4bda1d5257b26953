// The one door to the disk: whole files or nothing, append-only logs, and a seam where a test lets
// writing fail.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>

namespace facet {

/// The bytes of a file; UserError "file: cannot read: <why>".
std::string read_file(const std::filesystem::path& file);

/// Writes beside `file` and takes its name on commit(), after fsync; an uncommitted writer leaves
/// nothing behind. UserError "file: cannot write: <why>" from each call that fails (disk full).
class FileWriter {
 public:
  explicit FileWriter(std::filesystem::path file);
  ~FileWriter();
  FileWriter(const FileWriter&) = delete;
  FileWriter& operator=(const FileWriter&) = delete;

  void write(const void* bytes, size_t size);
  void write(const std::string& bytes) { write(bytes.data(), bytes.size()); }
  /// Writes at a place of the file; what was never written before it reads as zeros. write() goes
  /// on behind these bytes.
  void write_at(int64_t offset, const void* bytes, size_t size);
  /// The same with everything that another writer, not yet committed, has written.
  void copy_at(int64_t offset, const FileWriter& other);
  void commit();

 private:
  void put(const void* bytes, size_t size);

  std::filesystem::path file_, partial_;
  int descriptor_ = -1;
  size_t held_back_ = 0;  // bytes that the disk was not yet asked to take
};

/// FileWriter in one call.
void write_file(const std::filesystem::path& file, const std::string& bytes);

/// A file that only grows, by whole lines or whole pieces.
class Appender {
 public:
  /// Opens or makes the file; keep >= 0: cuts it to that many bytes first.
  explicit Appender(std::filesystem::path file, int64_t keep = -1);
  ~Appender();
  Appender(const Appender&) = delete;
  Appender& operator=(const Appender&) = delete;

  void line(const std::string& text);     ///< without its line end
  void append(const std::string& bytes);  ///< as they are; all of them or none
  void sync();                            ///< what was written survives a crash of the machine
  int64_t size() const { return size_; }

 private:
  std::filesystem::path file_;
  int descriptor_ = -1;
  int64_t size_ = 0;
};

/// Gives a finished folder its name, after fsync of its files; an existing `to` is replaced.
void rename_folder(const std::filesystem::path& from, const std::filesystem::path& to);

/// Tests only: after `bytes` more bytes every write of this process fails as if the disk were full;
/// negative: off. FACET_DISK_FULL_AFTER in the environment sets it at start.
void fail_disk_after(int64_t bytes);

}  // namespace facet
