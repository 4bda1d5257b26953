// Choosing hookpoints by list, glob or range.
#pragma once

#include <string>
#include <vector>

#include "facet/host.h"
#include "facet/value.h"

namespace facet {

/// Canonical names, in the order of the forward pass, each once. `selector` is a string or a list
/// of strings; each is a canonical name, an alias, a glob over both ("*mlp*", "blocks.?.out"), a
/// range ("layers.{4..12}", "blocks.{0..2}.out") or "middle_half" (layers n/4 .. 3n/4 of n,
/// RouteSAE's choice). UserError at selector's origin, with the nearest names, for one that matches
/// nothing.
std::vector<std::string> select_hookpoints(const HostInfo& info, const Value& selector,
                                           const std::string& where);

}  // namespace facet
