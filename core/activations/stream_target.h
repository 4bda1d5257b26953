// What the rows of a stream should become where that is not the rows themselves.
#pragma once

#include <string>
#include <vector>

#include "facet/host.h"
#include "facet/value.h"

namespace facet {

struct StreamParams;

/// The target of a stream that transcodes: one hookpoint for each that is read, in their order.
struct StreamTarget {
  std::vector<std::string> points;  ///< canonical names; empty: the input is the target
  bool minus_input = false;         ///< each less its input, in float32

  /// Without a target an empty value; else hookpoints and minus_input as a table.
  Value describe() const;
};

/// What activations.target and target_minus_input name beside `points` (canonical names).
/// UserError for a name that is no hookpoint, too few or too many of them, one of another width,
/// and a difference that would be 0.
StreamTarget target_of(const HostInfo& info, const std::vector<std::string>& points,
                       const StreamParams& params);
/// Nothing is set that makes no sense without a target, or beside one. UserError otherwise.
void check_target_fields(const StreamParams& params);

}  // namespace facet
