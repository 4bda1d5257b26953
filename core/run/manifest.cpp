// Bodies of the manifest; the only file that sees the TOML library.
#include "run/manifest.h"

#include <toml++/toml.h>

#include <algorithm>
#include <sstream>

#include "activations/activation_stream.h"
#include "base/files.h"
#include "data/dataset.h"
#include "run/sections.h"
#include "schema/toml_text.h"
#include "train/trainer.h"

namespace facet {
namespace {

namespace fs = std::filesystem;

constexpr char kFrozenMark[] = "# facet: frozen; relative paths belong to ";

Origin origin_of(const toml::node& node, const Origin& file) {
  Origin origin = file;
  origin.line = static_cast<int>(node.source().begin.line);
  origin.column = static_cast<int>(node.source().begin.column);
  return origin;
}

Value to_value(const toml::node& node, const Origin& file) {
  Value out;
  if (const auto* table = node.as_table()) {
    out.data = Value::Table();
    for (const auto& [key, member] : *table) {
      Value& v = out.set(std::string(key.str()), to_value(member, file));
      // A plain value is placed at its key, where a reader looks first.
      if (!member.is_table() && !member.is_array()) {
        v.origin.line = static_cast<int>(key.source().begin.line);
        v.origin.column = static_cast<int>(key.source().begin.column);
      }
    }
  } else if (const auto* array = node.as_array()) {
    Value::Array items;
    for (const auto& item : *array) items.push_back(to_value(item, file));
    out.data = std::move(items);
  } else if (const auto* s = node.as_string()) {
    out.data = s->get();
  } else if (const auto* i = node.as_integer()) {
    out.data = i->get();
  } else if (const auto* d = node.as_floating_point()) {
    out.data = d->get();
  } else if (const auto* b = node.as_boolean()) {
    out.data = b->get();
  } else {
    throw UserError(origin_of(node, file).text() + ": dates and times have no meaning here");
  }
  out.origin = origin_of(node, file);
  return out;
}

Value parse_toml(const std::string& text, const Origin& file) {
  try {
    const toml::table table = toml::parse(text, file.file);
    return to_value(table, file);
  } catch (const toml::parse_error& e) {
    Origin at = file;
    at.line = static_cast<int>(e.source().begin.line);
    at.column = static_cast<int>(e.source().begin.column);
    throw UserError(at.text() + ": not valid TOML: " + std::string(e.description()));
  }
}

void place(Value& value, const Origin& origin) {
  value.origin = origin;
  if (auto* table = value.as<Value::Table>())
    for (auto& [key, member] : *table) place(member, origin);
  if (auto* array = value.as<Value::Array>())
    for (Value& item : *array) place(item, origin);
}

// The words between the dots of a --set.
std::vector<std::string> keys_of(const std::string& path) {
  std::vector<std::string> keys(1);
  for (const char c : path) {
    if (c == '.')
      keys.emplace_back();
    else
      keys.back() += c;
  }
  return keys;
}

// Paths that were not written in `folder` (--set) become absolute, so that a frozen copy keeps
// their meaning.
void settle_paths(Value& table, const std::vector<FieldDoc>& fields, const std::string& folder) {
  for (const FieldDoc& field : fields) {
    auto* members = table.as<Value::Table>();
    const auto found = members ? members->find(field.name) : Value::Table::iterator();
    if (!members || found == members->end()) continue;
    Value& v = found->second;
    settle_paths(v, field.fields, folder);
    const std::string* text = v.as<std::string>();
    if (!field.input_path || !text || text->empty() || v.origin.folder.empty() ||
        v.origin.folder == folder)
      continue;
    if (std::string path = *text; schema_detail::resolve_path(v, path).empty()) v.data = path;
  }
}

// `from` of [sae] is a folder where there is one, else a run's id.
FieldDoc from_folder() {
  FieldDoc from;
  from.name = "from";
  from.input_path = true;
  return from;
}

// Calls use(section, where, value) for each section that the manifest has; a list has several.
template <class Manifest, class Use>
void for_each_section(Manifest& manifest, const Use& use) {
  auto* table = manifest.template as<Value::Table>();
  if (!table) return;
  for (const std::string& name : manifest_sections()) {
    const auto found = table->find(name);
    if (found == table->end()) continue;
    if (auto* array = found->second.template as<Value::Array>()) {
      for (size_t i = 0; i < array->size(); ++i)
        use(name, name + "[" + std::to_string(i + 1) + "]", (*array)[i]);
    } else {
      use(name, name, found->second);
    }
  }
}

}  // namespace

Schema<ManifestHead> manifest_schema() {
  return Schema<ManifestHead>()
      .field("facet", &ManifestHead::facet, "Format of the manifest.", between(1, 1),
             outside_identity)
      .field("script", &ManifestHead::script, "The Lua script that the manifest is for.",
             input_path)
      .field("name", &ManifestHead::name,
             "Folder of the run under the runs folder; by default the manifest's own name.",
             outside_identity)
      .field("seed", &ManifestHead::seed, "Root of every random stream.", at_least(0))
      .field("notes", &ManifestHead::notes, "Anything worth keeping with the run.",
             outside_identity)
      .field("tensorboard", &ManifestHead::tensorboard,
             "Write the metrics of trainings for TensorBoard too, into tensorboard/.",
             outside_identity);
}

const std::vector<std::string>& manifest_sections() {
  static const std::vector<std::string> sections = {"host",  "data",     "activations", "sae",
                                                    "train", "baseline", "encode",      "analysis"};
  return sections;
}

Value load_manifest(const fs::path& file) {
  const std::string text = read_file(file);
  std::string folder = fs::absolute(file).parent_path().string();
  if (text.starts_with(kFrozenMark))
    folder = text.substr(sizeof kFrozenMark - 1, text.find('\n') - sizeof kFrozenMark + 1);
  Value manifest = parse_toml(text, {file.string(), 0, 0, folder});
  manifest.origin = {file.string(), 0, 0, folder};
  return manifest;
}

void lay_set(Value& manifest, const std::string& assignment) {
  const size_t equals = assignment.find('=');
  const std::vector<std::string> keys = keys_of(assignment.substr(0, equals));
  if (equals == std::string::npos || std::find(keys.begin(), keys.end(), "") != keys.end())
    throw UserError("--set: \"" + assignment + "\", should be KEY=VALUE, for instance sae.k=64");
  const Origin origin{"--set", 0, 0, fs::current_path().string()};
  const std::string text = assignment.substr(equals + 1);
  Value value;
  try {
    const Value parsed = parse_toml("v = " + text, origin);
    value = parsed.as<Value::Table>()->size() == 1 ? parsed.at("v") : Value(text);
  } catch (const UserError&) {
    value = text;
  }
  place(value, origin);

  Value* at = &manifest;
  for (size_t i = 0; i < keys.size(); ++i) {
    if (auto* array = at->as<Value::Array>()) {  // analysis.2.alpha: items count from 1
      const size_t item =
          keys[i].find_first_not_of("0123456789") == std::string::npos && keys[i].size() < 6
              ? std::stoul(keys[i])
              : 0;
      if (item < 1 || item > array->size())
        throw UserError("--set: " + assignment + ": \"" + keys[i] +
                        "\", should be an item from 1 to " + std::to_string(array->size()));
      at = &(*array)[item - 1];
    } else {
      if (!at->empty() && !at->is<Value::Table>())
        throw UserError("--set: " + assignment + ": \"" + keys[i - 1] + "\" is " + at->describe() +
                        ", should be a table");
      if (!at->find(keys[i])) at->set(keys[i], Value()).origin = origin;
      at = &(*at->as<Value::Table>())[keys[i]];
    }
  }
  *at = std::move(value);
}

std::string frozen_manifest(const Value& manifest, const fs::path& folder,
                            const Registry& registry) {
  Value settled = manifest;
  settle_paths(settled, manifest_schema().docs(), folder.string());
  for_each_section(settled, [&](const std::string& name, const std::string& where, Value& value) {
    try {
      settle_paths(value, section_schema(name, value, registry, where).fields, folder.string());
    } catch (const UserError&) {
      return;  // a section that no schema reads has no paths; its verb refuses it
    }
    if (name == "sae") settle_paths(value, {from_folder()}, folder.string());
  });
  return kFrozenMark + folder.string() + "\n" + emit_toml(settled);
}

AnySchema section_schema(const std::string& section, const Value& value, const Registry& registry,
                         const std::string& where) {
  if (section == "train") return train_schema().erased();
  if (section == "activations") return stream_schema().erased();
  if (section == "encode") return encode_schema().erased();
  const std::string shown = where.empty() ? section : where;
  const std::string home = value.origin.text();
  if (!value.empty() && !value.is<Value::Table>())
    throw UserError((home.empty() ? "" : home + ": ") + shown + ": expected table, got " +
                    value.describe());
  if (section == "sae" && value.find("from")) return loaded_sae_schema(registry);
  const Value* type = value.find("type");
  const std::string* name = type ? type->as<std::string>() : nullptr;
  if (!name) {
    std::vector<std::string> names;
    for (const Part* part : registry.parts())
      if (part->kind == part_kind(section)) names.push_back(part->name);
    std::string list;
    for (const std::string& n : names) list += (list.empty() ? "\"" : ", \"") + n + "\"";
    const Origin& origin = type ? type->origin : value.origin;
    const std::string place = origin.text();
    throw UserError((place.empty() ? "" : place + ": ") + shown + ".type: " +
                    (type ? type->describe() : "required") + ", should be one of " + list);
  }
  const std::string place = type->origin.text();
  const Part& part = registry.part(part_kind(section), *name,
                                   (place.empty() ? "" : place + ": ") + shown + ".type");
  return joined_schema(kernel_schema(section), part.schema);
}

std::vector<Section> sections_of(const Value& manifest, const Registry& registry,
                                 std::vector<std::string>& problems) {
  std::vector<Section> out;
  for_each_section(
      manifest, [&](const std::string& name, const std::string& where, const Value& value) {
        const bool is_part = name != "train" && name != "activations" && name != "encode";
        try {
          out.push_back(
              {where, is_part ? name : "", value, section_schema(name, value, registry, where)});
        } catch (const UserError& e) {
          problems.insert(problems.end(), e.problems().begin(), e.problems().end());
        }
      });
  return out;
}

}  // namespace facet
