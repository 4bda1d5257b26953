// The JSON Schema of a whole manifest: keys, sections, and the keys of each part by its `type`.
#pragma once

#include "facet/plugin.h"

namespace facet {

/// For TOML editors (taplo, Even Better TOML). Accepts what `facet check` accepts, but for
/// relations between keys; refuses unknown keys, wrong types and values outside their limits.
Value manifest_json_schema(const Registry& registry);

}  // namespace facet
