// Bodies of the remembered content hashes.
#include "run/input_hash.h"

#include <sys/stat.h>

#include <algorithm>
#include <ctime>
#include <vector>

#include "base/files.h"
#include "base/hash.h"

namespace facet {
namespace {

namespace fs = std::filesystem;

// A change within the clock's step of the file system leaves no trace in the stamp of a file as
// young as this.
constexpr int64_t kSettled = 2;  // seconds

// What changes when a file's contents do; a folder's is made of its files'.
struct Stamp {
  std::string text;    // empty: unknown
  int64_t newest = 0;  // seconds since 1970
};

Stamp stamp_of(const fs::path& path) {
  std::vector<fs::path> files;
  if (fs::is_directory(path)) {
    for (const auto& entry : fs::recursive_directory_iterator(path))
      if (entry.is_regular_file()) files.push_back(entry.path());
    std::sort(files.begin(), files.end());
  } else {
    files.push_back(path);
  }
  Stamp stamp;
  for (const fs::path& file : files) {
    struct stat s = {};
    if (::stat(file.c_str(), &s) != 0) return {};
    stamp.newest = std::max<int64_t>(stamp.newest, s.st_mtim.tv_sec);
    stamp.text += file.string() + " " + std::to_string(s.st_size) + " " +
                  std::to_string(s.st_mtim.tv_sec) + "." + std::to_string(s.st_mtim.tv_nsec) + " " +
                  std::to_string(s.st_ino) + "\n";
  }
  if (files.size() != 1) stamp.text = sha256(stamp.text);
  return stamp;
}

}  // namespace

InputHash::InputHash(fs::path memory) : memory_(std::move(memory)), known_(Value::Table()) {
  try {
    if (fs::exists(memory_)) known_ = parse_json(read_file(memory_), memory_.string());
  } catch (const UserError&) {
    known_ = Value::Table();  // a damaged memory is only a slower start
  }
  if (!known_.is<Value::Table>()) known_ = Value::Table();
}

std::string InputHash::of(const fs::path& path) {
  const std::string key = fs::weakly_canonical(path).string();
  const Stamp stamp = stamp_of(key);
  if (const Value* entry = known_.find(key);
      entry && !stamp.text.empty() && entry->find("stamp") && entry->find("sha256"))
    if (*entry->find("stamp") == Value(stamp.text)) return entry->text("sha256");
  std::string digest = sha256_path(path);
  if (stamp.newest + kSettled > std::time(nullptr)) return digest;
  known_.set(key, Value(Value::Table{{"stamp", stamp.text}, {"sha256", digest}}));
  changed_ = true;
  return digest;
}

void InputHash::remember() const {
  if (!changed_) return;
  try {
    fs::create_directories(memory_.parent_path());
    write_file(memory_, emit_json(known_));
  } catch (const std::exception&) {
    return;
  }
}

}  // namespace facet
