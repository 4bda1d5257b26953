// Bodies of the remembered content hashes.
#include "run/input_hash.h"

#include <sys/stat.h>

#include <algorithm>
#include <vector>

#include "base/files.h"
#include "base/hash.h"

namespace facet {
namespace {

namespace fs = std::filesystem;

// What changes when a file's contents do; a folder's is made of its files'.
std::string stamp_of(const fs::path& path) {
  std::vector<fs::path> files;
  if (fs::is_directory(path)) {
    for (const auto& entry : fs::recursive_directory_iterator(path))
      if (entry.is_regular_file()) files.push_back(entry.path());
    std::sort(files.begin(), files.end());
  } else {
    files.push_back(path);
  }
  std::string stamp;
  for (const fs::path& file : files) {
    struct stat s = {};
    if (::stat(file.c_str(), &s) != 0) return "";
    stamp += file.string() + " " + std::to_string(s.st_size) + " " + std::to_string(s.st_mtim.tv_sec) + "." +
             std::to_string(s.st_mtim.tv_nsec) + " " + std::to_string(s.st_ino) + "\n";
  }
  return files.size() == 1 ? stamp : sha256(stamp);
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
  const std::string stamp = stamp_of(path);
  if (const Value* entry = known_.find(key); entry && !stamp.empty() && entry->find("stamp") && entry->find("sha256"))
    if (*entry->find("stamp") == Value(stamp)) return entry->text("sha256");
  std::string digest = sha256_path(path);
  known_.set(key, Value(Value::Table{{"stamp", stamp}, {"sha256", digest}}));
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
