// Bodies of options as sections.
#include "cli/sections.h"

#include <algorithm>

#include "run/manifest.h"
#include "run/open_parts.h"
#include "run/verb_text.h"

namespace facet::cli {
namespace {

namespace fs = std::filesystem;

struct Ending {
  const char* text;
  const char* type;
};
constexpr Ending kEndings[] = {{".fasta", "fasta"}, {".fa", "fasta"}, {".faa", "fasta"},
                               {".fna", "fasta"},   {".tsv", "tsv"},  {".jsonl", "jsonl"},
                               {".txt", "text"}};

}  // namespace

Value sections_of(const std::vector<Given>& given, const std::vector<std::string>& sets,
                  const std::vector<std::string>& allowed) {
  Value out{Value::Table()};
  for (const Given& one : given) {
    if (one.text.empty()) continue;
    const Origin origin{one.option, 0, 0, fs::current_path().string()};
    Value section = out.find(one.section) ? out.at(one.section) : Value(Value::Table());
    section.set(one.key, one.text).origin = origin;
    section.origin = origin;
    out.set(one.section, std::move(section));
  }
  for (const std::string& set : sets) {
    const std::string section = set.substr(0, set.find_first_of(".="));
    if (std::find(allowed.begin(), allowed.end(), section) == allowed.end())
      throw UserError("--set: \"" + set + "\", should begin with one of " + joined(allowed));
    lay_set(out, set);
  }
  return out;
}

std::string data_type_of(const std::string& file) {
  fs::path name = fs::path(file).filename();
  if (name.extension() == ".gz" || name.extension() == ".zst") name = name.stem();
  std::string all;
  for (const Ending& ending : kEndings) {
    if (name.extension() == ending.text) return ending.type;
    all += (all.empty() ? "" : ", ") + std::string(ending.text);
  }
  throw UserError("--input: \"" + file + "\", should end in one of " + all +
                  " (and .gz or .zst)\nor say what it is: --set data.type=fasta");
}

InputHash remembered_hashes(const RunRequest& request) {
  return InputHash(runs_folder(request).parent_path() / "store" / "hashes.json");
}

std::shared_ptr<HostHandle> host_of(const Value& sections, const Kernel& kernel,
                                    const RunRequest& request) {
  const AnyParams params = parse_section("host", sections.at("host"), kernel.registry);
  const HostPart& part = kernel.registry.host(sections.at("host").text("type"));
  InputHash hash = remembered_hashes(request);
  return open_host(part, params, {request.device, nullptr}, hash);
}

std::shared_ptr<DataHandle> data_of(const Value& sections, const Kernel& kernel) {
  const AnyParams params = parse_section("data", sections.at("data"), kernel.registry);
  const DataPart& part = kernel.registry.data(sections.at("data").text("type"));
  return open_data(part, params, digest(params.resolved));
}

}  // namespace facet::cli
