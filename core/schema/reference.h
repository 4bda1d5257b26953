// What a schema says of itself: help for the terminal, and pages of the reference.
#pragma once

#include <string>
#include <vector>

#include "facet/schema.h"

namespace facet {

/// One line a field: name, type, default or "required", limits, unit, help.
std::string help_text(const std::vector<FieldDoc>& fields);
/// The same as a table in markdown.
std::string reference_table(const std::vector<FieldDoc>& fields);

}  // namespace facet
