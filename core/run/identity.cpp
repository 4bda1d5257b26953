// Bodies of the identity of a run.
#include "run/identity.h"

#include <algorithm>
#include <regex>

#include "base/files.h"
#include "base/hash.h"
#include "facet_kernel_digest.h"
#include "run/sections.h"

namespace facet {
namespace {

namespace fs = std::filesystem;

// Rises when the rule below changes: old runs are then found under their old ids only.
constexpr int kIdentityVersion = 1;

void add_script(const fs::path& file, const fs::path& folder,
                std::map<std::string, std::string>& digests) {
  const std::string name = file.lexically_relative(folder).generic_string();
  if (digests.contains(name)) return;
  const std::string text = read_file(file);
  digests[name] = sha256(text);
  static const std::regex literal(R"(require\s*\(?\s*["']([A-Za-z0-9_.\-/]+)["'])");
  for (std::sregex_iterator it(text.begin(), text.end(), literal), end; it != end; ++it) {
    std::string module = (*it)[1];
    std::replace(module.begin(), module.end(), '.', '/');
    const fs::path beside = folder / (module + ".lua");
    if (fs::exists(beside)) add_script(beside, folder, digests);
  }
}

// The field is set to something other than its default.
bool is_set(const std::vector<FieldDoc>& fields, const Value& given, const std::string& name) {
  const Value* v = given.find(name);
  return v && std::any_of(fields.begin(), fields.end(), [&](const FieldDoc& doc) {
           return doc.name == name && schema_detail::literal(*v) != doc.default_text;
         });
}

const PluginInfo* plugin_named(const std::vector<PluginInfo>& plugins, const std::string& id) {
  for (const PluginInfo& plugin : plugins)
    if (plugin.id == id) return &plugin;
  return nullptr;
}

}  // namespace

const char* kernel_digest() { return FACET_KERNEL_DIGEST; }

Value identity_value(const std::vector<FieldDoc>& fields, const Value& given, InputHash& hash) {
  const auto* table = given.as<Value::Table>();
  if (!table) return given;
  Value out{Value::Table()};
  for (const auto& [key, v] : *table) {
    const auto doc = std::find_if(fields.begin(), fields.end(),
                                  [&](const FieldDoc& d) { return d.name == key; });
    if (doc == fields.end()) {
      out.set(key, v);
    } else if (doc->outside_identity && !is_set(fields, given, doc->inside_with)) {
      continue;
    } else if (doc->input_path && v.is<std::string>() && !v.as<std::string>()->empty()) {
      std::string path = *v.as<std::string>();
      if (!schema_detail::resolve_path(v, path).empty())
        out.set(key, v);  // the schema refuses it in its own words
      else
        out.set(key, "sha256:" + hash.of(path));
    } else {
      out.set(key, doc->fields.empty() ? v : identity_value(doc->fields, v, hash));
    }
  }
  return out;
}

std::map<std::string, std::string> script_digests(const fs::path& script) {
  std::map<std::string, std::string> digests;
  add_script(script, script.parent_path(), digests);
  return digests;
}

Value identity_of(const Value& manifest, const fs::path& script, const Registry& registry,
                  const std::vector<PluginInfo>& plugins, InputHash& hash) {
  Value out{Value::Table()};
  out.set("version", kIdentityVersion);
  out.set("kernel", std::string(kernel_digest()));

  Value head{Value::Table()}, parts{Value::Table()}, sources{Value::Table()};
  if (const auto* table = manifest.as<Value::Table>())
    for (const auto& [key, v] : *table)
      if (!v.is<Value::Table>() && !v.is<Value::Array>() && key != "script") head.set(key, v);
  out.set("manifest", identity_value(manifest_schema().docs(), head, hash));

  const auto keep_source = [&](const std::string& kind, const Value* type) {
    for (const Part* part : registry.parts())
      if (const PluginInfo* plugin = plugin_named(plugins, part->plugin);
          plugin && type && part->kind == kind && *type == Value(part->name))
        sources.set(plugin->id, plugin->source_hash);
  };
  std::vector<std::string> ignored;
  for (const Section& section : sections_of(manifest, registry, ignored)) {
    Value value = identity_value(section.schema.fields, section.value, hash);
    // A folder named by `from` counts by its contents, a run's id by itself.
    if (const Value* from = section.kind == "sae" ? section.value.find("from") : nullptr)
      if (std::string path = from->is<std::string>() ? *from->as<std::string>() : ""; !path.empty())
        if (schema_detail::resolve_path(*from, path).empty())
          value.set("from", "sha256:" + hash.of(path));
    parts.set(section.where, std::move(value));
    if (!section.kind.empty()) keep_source(part_kind(section.kind), section.value.find("type"));
    if (const Value* normalize =
            section.where.starts_with("activations") ? section.value.find("normalize") : nullptr)
      keep_source("normaliser", normalize->is<std::string>() ? normalize : normalize->find("type"));
  }
  if (!ignored.empty())  // --set on a script by itself, which holds the section's type
    for (const std::string& name : manifest_sections())
      if (const Value* section = manifest.find(name)) parts.set(name + " as written", *section);
  out.set("sections", std::move(parts));
  out.set("plugins", std::move(sources));

  Value scripts{Value::Table()};
  if (!script.empty())
    for (const auto& [name, digest] : script_digests(script))
      scripts.set(name == script.filename() ? "script" : name, digest);
  out.set("scripts", std::move(scripts));
  return out;
}

std::string id_of(const Value& identity) { return sha256(emit_json(identity)).substr(0, 12); }

}  // namespace facet
