// A block: some rows in memory, as a script looks at them one by one.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "run/handles.h"

namespace facet {

struct Block {
  Rows rows;                            ///< x [n, points, d] in the host's dtype, on the CPU
  std::vector<std::string> hookpoints;  ///< where the host gave them; none: a known dictionary did
  std::shared_ptr<HostHandle> host;     ///< nullptr: as above

  /// The text of each row's token; empty without a host.
  std::vector<std::string> tokens() const;
};

/// The first `n` rows of a stream in their order, fewer when it has no more. Of a stream that
/// transcodes the target stands behind the input. UserError "rows:take: ...": n is below 1.
Block take_rows(const RowsHandle& rows, int64_t n);

/// The rows of every token of one text, specials flagged. `hookpoints` as in [activations].
/// UserError "host:read: ...": the text has no token, or hookpoints differ in width.
Block read_text(std::shared_ptr<HostHandle> host, const std::string& text, const Value& hookpoints);

/// Euclidean distance of each row of `a` from that of `b`, a row's hookpoints side by side: [n]
/// float32. UserError "block:distance: ...": they differ in shape.
Tensor distances(const Block& a, const Block& b);

/// Tokens of one text, flagged kPrompt. UserError that begins with `where`: it has none.
Tokens prompt_tokens(const HostModel& host, const std::string& text, const std::string& where);

}  // namespace facet
