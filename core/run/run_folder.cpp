// Bodies of the folder of a run.
#include "run/run_folder.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <sstream>

namespace facet {
namespace {

namespace fs = std::filesystem;

// How far events.jsonl is certain: what the last finished verb, or a newer checkpoint, had seen.
int64_t certain_events(const fs::path& folder, int64_t after_verbs) {
  int64_t certain = after_verbs;
  const fs::path checkpoints = folder / "checkpoints";
  if (!fs::exists(checkpoints)) return certain;
  for (const auto& entry : fs::recursive_directory_iterator(checkpoints)) {
    if (entry.path().filename() != "cursor.json") continue;
    if (entry.path().string().find(".partial") != std::string::npos) continue;
    const Value cursor = parse_json(read_file(entry.path()), entry.path().string());
    const Value* inner = cursor.find("cursor");
    if (const Value* events = inner ? inner->find("events") : nullptr;
        events && events->is<int64_t>())
      certain = std::max(certain, *events->as<int64_t>());
  }
  return certain;
}

// JSON has no word for these numbers, and a replayed verb must return what it returned.
constexpr char kNotFinite[] = "not finite";

Value changed(const Value& value, Value (*leaf)(const Value&)) {
  Value out = leaf(value);
  if (auto* array = out.as<Value::Array>())
    for (Value& item : *array) item = changed(item, leaf);
  else if (auto* table = out.as<Value::Table>(); table && !table->contains(kNotFinite))
    for (auto& [key, member] : *table) member = changed(member, leaf);
  return out;
}

Value to_words(const Value& value) {
  const double* v = value.as<double>();
  if (!v || std::isfinite(*v)) return value;
  return Value::Table{{kNotFinite, std::isnan(*v) ? "nan" : *v > 0 ? "inf" : "-inf"}};
}

Value to_numbers(const Value& value) {
  const Value* word = value.find(kNotFinite);
  if (!word || !word->is<std::string>()) return value;
  constexpr double infinity = std::numeric_limits<double>::infinity();
  if (*word == Value("nan")) return std::numeric_limits<double>::quiet_NaN();
  return *word == Value("inf") ? infinity : -infinity;
}

void add_runs(const fs::path& folder, std::vector<fs::path>& found) {
  std::error_code unreadable;
  if (fs::exists(folder / "record.json", unreadable)) {
    found.push_back(folder);
    return;
  }
  fs::directory_iterator entry(folder, unreadable);
  for (; !unreadable && entry != fs::directory_iterator(); entry.increment(unreadable)) {
    std::error_code gone;
    if (entry->is_directory(gone) && !entry->is_symlink(gone)) add_runs(entry->path(), found);
  }
}

}  // namespace

struct RunFolder::Lock {
  std::unique_ptr<FileLock> lock;
};

const char* status_text(Status status) {
  switch (status) {
    case Status::fresh:
      return "fresh";
    case Status::running:
      return "running";
    case Status::done:
      return "done";
    case Status::failed:
      return "failed";
    case Status::stopped:
      return "stopped";
  }
  return "";
}

Status RunFolder::status_of(const fs::path& folder) {
  if (fs::exists(folder / "DONE")) return Status::done;
  if (fs::exists(folder / "FAILED")) return Status::failed;
  if (fs::exists(folder / "STOPPED")) return Status::stopped;
  return fs::exists(folder / "record.json") ? Status::running : Status::fresh;
}

Value RunFolder::record_of(const fs::path& folder) {
  const fs::path file = folder / "record.json";
  return fs::exists(file) ? parse_json(read_file(file), file.string()) : Value();
}

RunFolder::RunFolder(fs::path folder)
    : folder_(std::move(folder)), lock_(std::make_unique<Lock>()) {
  fs::create_directories(folder_);
  std::string holder;
  lock_->lock = FileLock::try_take(folder_ / "lock", holder);
  if (!lock_->lock) throw UserError(folder_.string() + ": locked by " + holder);

  // A line that was cut by a crash ends the record.
  const fs::path verbs = folder_ / "verbs.jsonl";
  int64_t whole = 0, events = 0;
  if (fs::exists(verbs)) {
    std::istringstream lines(read_file(verbs));
    for (std::string line; std::getline(lines, line) && !lines.eof();
         whole += static_cast<int64_t>(line.size()) + 1) {
      const Value v = parse_json(line, verbs.string());
      const auto index = static_cast<size_t>(v.integer("call")) - 1;
      if (verbs_.size() <= index) verbs_.resize(index + 1);
      verbs_[index] = {v.text("verb"), v.text("key"),
                       v.find("result") ? changed(v.at("result"), to_numbers) : Value(),
                       v.flag("done")};
      if (verbs_[index].done) events = v.integer("events");
    }
  }
  verb_lines_ = std::make_unique<Appender>(verbs, whole);
  events_ = std::make_unique<JsonLines>(folder_ / "events.jsonl", certain_events(folder_, events));
}

RunFolder::~RunFolder() = default;

fs::path RunFolder::path(const std::string& kind, const std::string& name) const {
  fs::path out = kind.empty() ? folder_ / name : folder_ / kind / name;
  fs::create_directories(out.parent_path());
  return out;
}

void RunFolder::write_record(const Value& record) {
  write_file(folder_ / "record.json", emit_json_pretty(record));
}

void RunFolder::finish(Status status, const std::string& why) {
  for (const char* name : {"DONE", "FAILED", "STOPPED"}) fs::remove(folder_ / name);
  if (status == Status::running) return;
  const char* name = status == Status::done     ? "DONE"
                     : status == Status::failed ? "FAILED"
                                                : "STOPPED";
  write_file(folder_ / name, why.empty() ? "" : why + "\n");
}

std::optional<VerbRecord> RunFolder::replay(size_t index, const std::string& verb,
                                            const std::string& key) const {
  if (index >= verbs_.size() || verbs_[index].verb.empty()) return std::nullopt;
  const VerbRecord& recorded = verbs_[index];
  const std::string call =
      folder_.string() + ": call " + std::to_string(index + 1) + " of the script";
  if (recorded.verb != verb)
    throw UserError(
        call + ": run:" + verb + ", was run:" + recorded.verb +
        " when this run began; a script must call its verbs in the same order each time");
  if (recorded.key != key)
    throw UserError(call + ": run:" + verb +
                    " has other arguments than when this run began; a script must pass the "
                    "same arguments each time");
  return recorded;
}

void RunFolder::verb_begins(size_t index, const VerbRecord& record) {
  if (index < verbs_.size() && !verbs_[index].verb.empty()) return;
  verb_lines_->line(emit_json(Value(Value::Table{{"call", static_cast<int64_t>(index + 1)},
                                                 {"verb", record.verb},
                                                 {"key", record.key},
                                                 {"done", false}})));
  verb_lines_->sync();
}

void RunFolder::verb_ends(size_t index, const VerbRecord& record) {
  const int64_t events = events_->durable_size();
  verb_lines_->line(emit_json(Value(Value::Table{{"call", static_cast<int64_t>(index + 1)},
                                                 {"verb", record.verb},
                                                 {"key", record.key},
                                                 {"done", true},
                                                 {"result", changed(record.result, to_words)},
                                                 {"events", events}})));
  verb_lines_->sync();
}

std::vector<fs::path> runs_under(const fs::path& root) {
  std::vector<fs::path> found;
  add_runs(root, found);
  std::sort(found.begin(), found.end());
  return found;
}

}  // namespace facet
