// One line of a JSON Lines file.
#pragma once

#include <string>

#include "facet/value.h"

namespace facet {

/// The value in line `line` (from 1) of `file`; UserError "file:line:column: not valid JSON", or
/// "file:line: ..." for a key that stands twice.
Value parse_json_line(const std::string& text, const std::string& file, int line);

}  // namespace facet
