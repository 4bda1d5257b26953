// The folder of a run: its lock, its status, the verbs that finished, and the only way to a
// writable path.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/files.h"
#include "base/sinks.h"
#include "facet/value.h"

namespace facet {

enum class Status { fresh = 1, running, done, failed, stopped };
const char* status_text(Status status);

/// What is known of a verb call: its place in the script, what it was called with, and what it
/// returned.
struct VerbRecord {
  std::string verb;
  std::string key;  ///< sha256 of the resolved arguments and of the handles' keys
  Value result;
  bool done = false;  ///< false: only its place and key are known
};

class RunFolder {
 public:
  /// Takes the lock. UserError "folder: locked by process 123 on host since ..." when a live
  /// process has it.
  explicit RunFolder(std::filesystem::path folder);
  ~RunFolder();

  /// Of a folder that may not exist, without taking its lock.
  static Status status_of(const std::filesystem::path& folder);
  /// record.json of a folder, or an empty value.
  static Value record_of(const std::filesystem::path& folder);

  const std::filesystem::path& folder() const { return folder_; }
  /// folder/kind/name, its parent made; kind "" is the run's own folder.
  std::filesystem::path path(const std::string& kind, const std::string& name) const;

  void write_record(const Value& record);
  /// Writes DONE, FAILED or STOPPED (and removes the others), last.
  void finish(Status status, const std::string& why);

  /// Verb calls in their order. `replay` returns what an earlier process recorded for call number
  /// `index`, after checking that it is the same call: UserError naming both when order or
  /// arguments differ.
  std::optional<VerbRecord> replay(size_t index, const std::string& verb,
                                   const std::string& key) const;
  void verb_begins(size_t index, const VerbRecord& record);
  void verb_ends(size_t index, const VerbRecord& record);

  /// events.jsonl, cut to what the last whole verb or checkpoint had seen.
  JsonLines& events() { return *events_; }

 private:
  struct Lock;
  std::filesystem::path folder_;
  std::unique_ptr<Lock> lock_;
  std::vector<VerbRecord> verbs_;
  std::unique_ptr<Appender> verb_lines_;
  std::unique_ptr<JsonLines> events_;
};

/// The folders of the runs under `root`, sorted: those with a record.json, at any depth, as names
/// have slashes. What cannot be read is passed over.
std::vector<std::filesystem::path> runs_under(const std::filesystem::path& root);

/// A lock file that a live process holds; the kernel of the system lets it go when the process
/// dies.
class FileLock {
 public:
  /// nullptr when another process has it; `holder` then says who ("process 123 on node7 since
  /// ...").
  static std::unique_ptr<FileLock> try_take(const std::filesystem::path& file, std::string& holder);
  ~FileLock();

 private:
  explicit FileLock(int descriptor) : descriptor_(descriptor) {}
  int descriptor_;
};

}  // namespace facet
