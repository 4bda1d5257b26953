// The manifest: TOML and --set to one tree of values, each of which knows where it was written.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "facet/plugin.h"
#include "facet/value.h"

namespace facet {

/// The fields of a manifest outside its sections.
struct ManifestHead {
  int64_t facet = 1;
  std::string script;
  std::string name;
  int64_t seed = 0;
  std::string notes;
  bool tensorboard = false;
};
Schema<ManifestHead> manifest_schema();

/// The sections a manifest may have, in the order of the run.
const std::vector<std::string>& manifest_sections();

/// The TOML file as a table. Relative paths belong to the file's folder, or to the one a frozen
/// copy names in its first line. UserError "x.toml:3:5: ..." when it is no TOML.
Value load_manifest(const std::filesystem::path& file);
/// Lays `--set a.b=v` over the tree; v is read as TOML, and as a string where it is none.
void lay_set(Value& manifest, const std::string& assignment);
/// The tree as TOML text that load_manifest reads back, with `folder` as the home of its relative
/// paths; a path that was written elsewhere (--set) is made absolute.
std::string frozen_manifest(const Value& manifest, const std::filesystem::path& folder,
                            const Registry& registry);

/// One section of a manifest with the schema that reads it.
struct Section {
  std::string where;  ///< "sae", "analysis[2]"
  std::string kind;   ///< "sae", "host", "data", "baseline", "analysis", or "" for the others
  Value value;
  AnySchema schema;
};

/// Every section with its schema; problems (unknown sections, unknown or missing `type`) are
/// appended.
std::vector<Section> sections_of(const Value& manifest, const Registry& registry,
                                 std::vector<std::string>& problems);
/// The schema that reads a section of this kind and `type`: the kernel's own fields and the part's
/// together; of a [sae] with `from`, the kernel's alone. `where` is the section's place in messages
/// ("analysis[2]"); empty: its name.
AnySchema section_schema(const std::string& section, const Value& value, const Registry& registry,
                         const std::string& where = "");

}  // namespace facet
