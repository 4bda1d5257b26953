// The identity of a run: the hash of everything that can change its result, and of nothing else.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "facet/schema.h"
#include "plugin/loader.h"
#include "run/input_hash.h"
#include "run/manifest.h"

namespace facet {

/// The digest of libfacet's sources.
const char* kernel_digest();

/// A section as it enters an identity: input paths replaced by the hash of their contents, fields
/// outside the identity left out.
Value identity_value(const std::vector<FieldDoc>& fields, const Value& given, InputHash& hash);

/// The script and every Lua file that it, or such a file, names by a literal require and that lies
/// beside it: name -> sha256 of its bytes. Names are relative to the script's folder.
std::map<std::string, std::string> script_digests(const std::filesystem::path& script);

/// Everything that went into an id, as a table kept in record.json: version, manifest, scripts,
/// kernel, plugins.
Value identity_of(const Value& manifest, const std::filesystem::path& script,
                  const Registry& registry, const std::vector<PluginInfo>& plugins,
                  InputHash& hash);
/// The first 12 hex digits of the sha256 over the canonical JSON of that table.
std::string id_of(const Value& identity);

}  // namespace facet
