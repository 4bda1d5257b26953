// Checkpoints of one file or of shards under an index; and writing.
#include "facet/safetensors.h"

#include <facet/torch.h>

#include "base/files.h"
#include "facet/error.h"
#include "facet/value.h"
#include "tensor/safetensors_file.h"
#include "tensor/safetensors_writer.h"

namespace facet {
namespace {

namespace fs = std::filesystem;

constexpr char kWhole[] = "model.safetensors";
constexpr char kIndex[] = "model.safetensors.index.json";

/// The file or index that `path` means.
fs::path chosen(const fs::path& path) {
  if (!fs::is_directory(path)) return path;
  for (const char* name : {kWhole, kIndex})
    if (fs::exists(path / name)) return path / name;
  throw UserError(path.string() + ": holds no " + kWhole + " and no " + kIndex);
}

bool leaves_folder(const fs::path& shard) {
  const fs::path named = shard.lexically_normal();
  return named.empty() || named.is_absolute() || !named.has_filename() || named == "." ||
         *named.begin() == "..";
}

}  // namespace

struct Safetensors::Opened {
  using File = std::shared_ptr<const SafetensorsFile>;
  struct Place {
    File file;
    const SafetensorsFile::Entry* entry;
  };

  explicit Opened(const fs::path& path) : named(chosen(path)) {
    if (named.extension() == ".json")
      open_shards();
    else
      open_whole();
  }

  void open_whole() {
    const File file = add_file(named);
    for (const auto& [name, entry] : file->entries()) places[name] = {file, &entry};
  }

  void open_shards() {
    const Value index = parse_json(read_file(named), named.string());
    const Value* map = index.find("weight_map");
    const auto* shards = map ? map->as<Value::Table>() : nullptr;
    if (!shards)
      throw UserError(named.string() + ": weight_map " +
                      (map ? "is " + map->describe() : "is missing") +
                      ", should be a table of tensor = \"shard\"");
    std::map<std::string, File> open;
    std::vector<std::string> problems;
    for (const auto& [name, value] : *shards) {
      const auto* shard = value.as<std::string>();
      if (!shard) {
        problems.push_back(named.string() + ": weight_map." + name + " is " + value.describe() +
                           ", should be the name of a shard");
        continue;
      }
      const auto [at, first] = open.try_emplace(*shard);
      if (first) at->second = open_shard(*shard, problems);
      if (!at->second) continue;
      const auto entry = at->second->entries().find(name);
      if (entry == at->second->entries().end())
        problems.push_back(named.string() + ": tensor \"" + name + "\" is missing in shard \"" +
                           *shard + "\"");
      else
        places[name] = {at->second, &entry->second};
    }
    if (!problems.empty()) throw UserError(problems);
  }

  /// Null when there is a problem.
  File open_shard(const std::string& shard, std::vector<std::string>& problems) {
    const std::string where = named.string() + ": shard \"" + shard + "\" ";
    const fs::path path = named.parent_path() / shard;
    if (leaves_folder(shard)) {
      problems.push_back(where + "is no file in the folder of the index");
    } else if (!fs::exists(path)) {
      problems.push_back(where + "is missing");
    } else {
      try {
        return add_file(path);
      } catch (const UserError& e) {
        problems.insert(problems.end(), e.problems().begin(), e.problems().end());
      }
    }
    return nullptr;
  }

  File add_file(const fs::path& path) {
    File file = SafetensorsFile::open(path);
    metadata.insert(file->metadata().begin(), file->metadata().end());
    files.push_back(path);
    return file;
  }

  const Place& place(const std::string& name) const {
    const auto found = places.find(name);
    if (found != places.end()) return found->second;
    std::vector<std::string> names;
    for (const auto& [known, unused] : places) names.push_back(known);
    throw UserError(named.string() + ": tensor \"" + name + "\" is missing" +
                    did_you_mean(name, names));
  }

  fs::path named;
  std::vector<fs::path> files;
  std::map<std::string, Place> places;
  std::map<std::string, std::string> metadata;
};

Safetensors::Safetensors(const fs::path& path) : opened_(std::make_shared<const Opened>(path)) {}

std::vector<std::string> Safetensors::names() const {
  std::vector<std::string> names;
  for (const auto& [name, place] : opened_->places) names.push_back(name);
  return names;
}

bool Safetensors::has(const std::string& name) const { return opened_->places.count(name) > 0; }

const std::vector<int64_t>& Safetensors::sizes(const std::string& name) const {
  return opened_->place(name).entry->sizes;
}

Tensor Safetensors::tensor(const std::string& name) const {
  const auto& [file, entry] = opened_->place(name);
  return file->tensor(*entry);
}

Tensor Safetensors::tensor(const std::string& name, const std::vector<int64_t>& sizes) const {
  const auto& [file, entry] = opened_->place(name);
  if (entry->sizes != sizes)
    throw UserError(file->path().string() + ": " + name + ": shape is " + shape_text(entry->sizes) +
                    ", should be " + shape_text(sizes));
  return file->tensor(*entry).to(at::kFloat);
}

const std::map<std::string, std::string>& Safetensors::metadata() const {
  return opened_->metadata;
}

const fs::path& Safetensors::file() const { return opened_->named; }

const std::vector<fs::path>& Safetensors::files() const { return opened_->files; }

std::string safetensors_header(const std::vector<HeaderEntry>& entries,
                               const std::map<std::string, std::string>& metadata) {
  std::vector<std::string> members;
  if (!metadata.empty()) {
    Value table{Value::Table()};
    for (const auto& [key, text] : metadata) table.set(key, text);
    members.push_back("\"__metadata__\":" + emit_json(table));
  }
  for (const HeaderEntry& tensor : entries) {
    Value entry;
    entry.set("dtype", safetensors_dtype(tensor.dtype));
    entry.set("shape", Value::Array(tensor.sizes.begin(), tensor.sizes.end()));
    entry.set("data_offsets", Value::Array{tensor.begin, tensor.end});
    members.push_back(emit_json(tensor.name) + ":" + emit_json(entry));
  }
  std::string header = "{";
  for (const std::string& member : members) header += (header.size() > 1 ? "," : "") + member;
  header += "}";
  header.append((kHeaderLengthBytes - header.size() % kHeaderLengthBytes) % kHeaderLengthBytes,
                ' ');
  return header;
}

void save_safetensors(const fs::path& file, const NamedTensors& tensors,
                      const std::map<std::string, std::string>& metadata) {
  std::vector<HeaderEntry> entries;
  int64_t end = 0;
  for (const auto& [name, tensor] : tensors) {
    const int64_t begin = end;
    end += static_cast<int64_t>(tensor.nbytes());
    entries.push_back({name, tensor.scalar_type(), tensor.sizes().vec(), begin, end});
  }
  const std::string header = safetensors_header(entries, metadata);

  FileWriter writer(file);
  const uint64_t length = header.size();
  writer.write(&length, sizeof length);
  writer.write(header);
  for (const auto& [name, tensor] : tensors) {
    const Tensor bytes = tensor.detach().cpu().contiguous();
    if (bytes.nbytes() > 0) writer.write(bytes.const_data_ptr(), bytes.nbytes());
  }
  writer.commit();
}

}  // namespace facet
