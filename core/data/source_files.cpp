// Lists, checks and reads the files of a source.
#include "data/source_files.h"

#include <algorithm>

#include "base/hash.h"
#include "facet/error.h"

namespace facet {
namespace {

namespace fs = std::filesystem;

constexpr size_t kNamesShown = 12;

class InTurn final : public RecordReader {
 public:
  InTurn(std::vector<fs::path> files, OpenFile open)
      : files_(std::move(files)), open_(std::move(open)) {}

  bool next(Record& record) override {
    while (reader_ || at_ < files_.size()) {
      const bool first = !reader_;
      if (first) reader_ = open_(files_[at_]);
      if (reader_->next(record)) return true;
      if (first) throw UserError(files_[at_].string() + ": no records");
      reader_ = nullptr;
      ++at_;
    }
    return false;
  }

 private:
  std::vector<fs::path> files_;
  OpenFile open_;
  size_t at_ = 0;
  std::unique_ptr<RecordReader> reader_;
};

}  // namespace

std::string unpacked_name(const fs::path& file) {
  const std::string ending = file.extension().string();
  return (ending == ".gz" || ending == ".zst" ? file.stem() : file.filename()).string();
}

std::vector<fs::path> files_of(const fs::path& path, const std::vector<std::string>& endings) {
  if (!fs::is_directory(path)) return {path};
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(path)) {
    const std::string name = unpacked_name(entry.path());
    const bool known = std::any_of(endings.begin(), endings.end(), [&](const std::string& ending) {
      return name.ends_with(ending);
    });
    if (known && !name.starts_with('.') && entry.is_regular_file()) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  if (!files.empty()) return files;
  std::string list;
  for (const std::string& ending : endings) list += (list.empty() ? "" : ", ") + ending;
  throw UserError(path.string() + ": no file in this folder ends in " + list +
                  ", or these with .gz or .zst");
}

std::vector<fs::path> files_of(const std::string& path, const std::string& sha256,
                               const std::vector<std::string>& endings) {
  if (!sha256.empty())
    if (const std::string is = sha256_path(path); is != sha256)
      throw UserError(path + ": sha256 is " + is + ", should be " + sha256);
  return files_of(fs::path(path), endings);
}

std::string has_instead(const std::string& name, const std::vector<std::string>& names) {
  if (const std::string near = did_you_mean(name, names); !near.empty() || names.empty())
    return near;
  std::string list;
  for (size_t i = 0; i < std::min(names.size(), kNamesShown); ++i)
    list += (list.empty() ? "\"" : ", \"") + names[i] + "\"";
  return " (has " + list + (names.size() > kNamesShown ? ", ..." : "") + ")";
}

std::unique_ptr<RecordReader> read_in_turn(std::vector<fs::path> files, OpenFile open) {
  return std::make_unique<InTurn>(std::move(files), std::move(open));
}

}  // namespace facet
