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

/// The hookpoint of the same kind one layer after each of `points` (canonical names):
/// blocks.I.mlp.out
/// -> blocks.I+1.mlp.out, embeddings -> blocks.0.out, and out of the last block -> final_norm.out.
/// UserError that begins with `where` for a point that has none.
std::vector<std::string> next_hookpoints(const HostInfo& info,
                                         const std::vector<std::string>& points,
                                         const std::string& where);

}  // namespace facet
