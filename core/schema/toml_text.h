// Writing values as TOML text: resolved.toml, frozen manifests, defaults in help.
#pragma once

#include <functional>
#include <string>

#include "facet/value.h"

namespace facet {

/// One value on one line: 32, 0.5, "text", [1, 2], { a = 1 }.
std::string toml_literal(const Value& value);
/// A table as a TOML document: plain keys first, then [sections] and [[lists of sections]], all
/// sorted. `note` may give a trailing comment for a value ("topk.toml:23:5"); "" for none.
std::string emit_toml(const Value& table,
                      const std::function<std::string(const Value&)>& note = nullptr);

}  // namespace facet
