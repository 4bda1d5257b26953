// JSON Schema of what a schema reads: for editors of TOML files.
#pragma once

#include <vector>

#include "facet/schema.h"

namespace facet {

/// { type = "object", properties, additionalProperties = false } as draft 7 has it, with types,
/// limits, defaults and the help of each field. No field is required: a script may set what a
/// manifest leaves out.
Value json_schema(const std::vector<FieldDoc>& fields);

}  // namespace facet
