// Finds, checks and loads plugins; what is loaded stays until the process ends.
#include "plugin/loader.h"

#include <dlfcn.h>

#include <algorithm>
#include <boost/dll/shared_library.hpp>
#include <cstdlib>
#include <set>
#include <sstream>

#include "base/files.h"
#include "plugin/call.h"
#include "plugin/elf.h"
#include "plugin/parts.h"

namespace facet {

namespace fs = std::filesystem;

/// Lets one plugin add its parts; unless keep() is called they are taken back.
class Filling {
 public:
  Filling(Registry& registry, std::string id)
      : parts_(*registry.parts_), id_(std::move(id)), before_(parts_.plugin) {
    parts_.plugin = id_;
  }
  ~Filling() {
    parts_.plugin = before_;
    if (kept_) return;
    for_each_kind(parts_, [&](const char*, auto& known) {
      std::erase_if(known, [&](const auto& entry) { return entry.second.plugin == id_; });
    });
  }
  Filling(const Filling&) = delete;
  Filling& operator=(const Filling&) = delete;

  void keep(const fs::path& file) {
    parts_.plugins[id_] = file;
    kept_ = true;
  }
  /// The file that the plugin `id` came from, or nullptr when it is not in the registry.
  static const fs::path* file_of(const Registry& registry, const std::string& id) {
    const auto there = registry.parts_->plugins.find(id);
    return there == registry.parts_->plugins.end() ? nullptr : &there->second;
  }

 private:
  Registry::Parts& parts_;
  std::string id_, before_;
  bool kept_ = false;
};

namespace {

constexpr const char kMark[] = "facet-build-tag:";
constexpr const char kOwnTag[] = FACET_BUILD_TAG;

// Autograd nodes, operator registrations and thread-locals point into plugins, so nothing is ever
// unloaded: the handle is leaked on purpose.
void keep_for_ever(boost::dll::shared_library library) {
  static_cast<void>(std::make_unique<boost::dll::shared_library>(std::move(library)).release());
}  // NOLINT(clang-analyzer-cplusplus.NewDeleteLeaks)

// Boost.DLL says "Bad file descriptor" for everything; the reason is dlerror's, after the path.
std::string load_problem(const fs::path& absolute, const std::error_code& error) {
  const char* said = dlerror();
  std::string reason = said ? said : error.message();
  const std::string path = absolute.string() + ": ";
  return reason.starts_with(path) ? reason.substr(path.size()) : reason;
}

// "" when there is none. The mark is followed by the tag and a NUL.
std::string tag_in(const std::string& bytes) {
  const size_t mark = bytes.find(kMark);
  return mark == std::string::npos ? "" : std::string(bytes.c_str() + mark + sizeof(kMark) - 1);
}

// Everything that can be known before the file is loaded.
void check_file(const fs::path& file) {
  const std::string bytes = read_file(file);
  const std::string tag = tag_in(bytes);
  if (tag.empty()) throw UserError(file.string() + ": not a facet plugin");
  if (const std::string wrong = elf_problem(bytes); !wrong.empty())
    throw UserError(file.string() + ": not a facet plugin: " + wrong);
  if (tag != build_tag())
    throw UserError(file.string() + ": built for\n  " + tag + "\nthis facet is\n  " + build_tag() +
                    "\nrebuild the plugin against this facet");
}

const facet_plugin_info& open(const fs::path& file) {
  const fs::path absolute = fs::canonical(file);
  std::error_code error;
  boost::dll::shared_library library;
  library.load(absolute, boost::dll::load_mode::rtld_now | boost::dll::load_mode::rtld_local,
               error);
  if (error) throw UserError(file.string() + ": cannot load: " + load_problem(absolute, error));
  if (!library.has("facet_plugin"))
    throw UserError(file.string() + ": not a facet plugin: it exports no facet_plugin");
  const facet_plugin_info& info = library.get<const facet_plugin_info>("facet_plugin");
  keep_for_ever(std::move(library));
  return info;
}

void fill(const facet_plugin_info& info, const fs::path& file, Registry& registry) {
  const std::string id = info.id;
  const fs::path canonical = fs::canonical(file);
  if (const fs::path* other = Filling::file_of(registry, id)) {
    if (*other == canonical) return;
    throw UserError(file.string() + ": plugin \"" + id + "\" is already loaded from " +
                    other->string());
  }
  Filling filling(registry, id);
  const size_t before = registry.parts().size();
  call_plugin(id, [&] { info.fill(registry); });
  if (registry.parts().size() == before) throw UserError(id + ": registers no part");
  filling.keep(canonical);
}

// Runs `step`, and keeps what a user has to know of its failure.
template <class Step>
void gather(std::vector<std::string>& problems, Step&& step) {
  try {
    step();
  } catch (const UserError& e) {
    problems.insert(problems.end(), e.problems().begin(), e.problems().end());
  }
}

}  // namespace

const char* build_tag() { return kOwnTag + sizeof(kMark) - 1; }

std::string read_build_tag(const fs::path& file) { return tag_in(read_file(file)); }

std::vector<fs::path> plugin_folders(const std::vector<fs::path>& given) {
  std::vector<fs::path> folders = given;
  const char* listed = std::getenv("FACET_PLUGIN_PATH");
  std::istringstream words(listed ? listed : "");
  for (std::string folder; std::getline(words, folder, ':');)
    if (!folder.empty()) folders.emplace_back(folder);
  std::error_code error;
  const fs::path beside =
      fs::canonical("/proc/self/exe", error).parent_path().parent_path() / "lib/facet";
  if (fs::is_directory(beside, error)) folders.push_back(beside);
  return folders;
}

std::vector<fs::path> plugin_files(const fs::path& folder) {
  std::error_code error;
  if (fs::is_regular_file(folder, error)) return {folder};
  std::vector<fs::path> files;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error))
    if (it->path().extension() == ".so") files.push_back(it->path());
  if (error) throw UserError(folder.string() + ": cannot read plugin folder: " + error.message());
  std::sort(files.begin(), files.end());
  return files;
}

PluginInfo load_plugin(const fs::path& file, Registry& registry) {
  check_file(file);
  const facet_plugin_info& info = open(file);
  fill(info, file, registry);
  return {info.id, info.version, info.source_hash, build_tag(), file};
}

std::vector<PluginInfo> load_plugins(const std::vector<fs::path>& folders, Registry& registry) {
  std::vector<std::string> problems;
  std::vector<PluginInfo> loaded;
  std::set<fs::path> seen;
  for (const fs::path& folder : folders)
    gather(problems, [&] {
      for (const fs::path& file : plugin_files(folder))
        if (seen.insert(fs::weakly_canonical(file)).second)
          gather(problems, [&] { loaded.push_back(load_plugin(file, registry)); });
    });
  if (!problems.empty()) throw UserError(std::move(problems));
  return loaded;
}

}  // namespace facet
