// Pooling: one row for each sequence instead of one for each token, of activations or of codes.
#pragma once

#include <string>

#include "facet/codes.h"
#include "facet/rows.h"

namespace facet {

enum class Pool { none = 1, mean, max };
/// "none", "mean" or "max"; a Bug for anything else, which a schema let through.
Pool pool_of(const std::string& name);
std::string name_of(Pool pool);

/// One row for each run of equal `sequence`, with position, token and flag 0; a sequence without a
/// row gives none. `pool` is not none.
///
/// x        [n, points, d] any dtype -> [sequences, points, d] float32; undefined stays so
/// mean     sums in float64 in the order of the rows, divided and rounded once: the same bits at
///          any thread count
/// max      of each number by itself; NaN stays NaN
Rows pooled(const Rows& rows, Pool pool);

/// The codes of each run of equal `sequence` [n] int64 as one row. Zeros count, those that CSR
/// leaves out too: mean divides by all rows of the run (sums in float64 in their order), and max is
/// at least 0 where a row lacks the latent. Entries that come out as 0 are left out.
Codes pooled(const Codes& codes, const Tensor& sequence, Pool pool);

}  // namespace facet
