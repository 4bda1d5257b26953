// The codes store: what an SAE said of every row of a stream, by row and by latent, built once and
// read by analyses.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "activations/activation_stream.h"
#include "activations/pool.h"
#include "facet/sae.h"
#include "facet/stream.h"

namespace facet {

/// A part ends with the piece of the feed that fills it up to so many rows before pooling; what a
/// resumed build loses at most.
inline constexpr int64_t kCodesPartRows = 65536;

/// Builds the store in `folder` (named by its key) unless it is finished there, going on from what
/// an earlier process left; the bytes are the same wherever it was cut. `breathe` is called before
/// each piece and may throw Stopped; finished parts stay. The rows are those of the sequential
/// pass; with `pool`, one row for each sequence that has some (see pool.h). UserError when a code
/// is not finite, when there are no rows, or when packed sequences would be pooled.
///
/// parts/00000.safetensors    start [r + 1], latent, value (as Codes), sequence, position, token,
///                            flag
/// sequences.jsonl            id, text, description by Rows::sequence; no lines for rows of a known
///                            dictionary
/// by_latent.safetensors      start [d_sae + 1], row, value: entries with a value > 0, value
///                            descending, ties by row
/// codes.json                 written last: a store without it is not finished; says which rows
///                            these are and how they were pooled
///
/// The entries by latent are sorted in memory, 28 bytes each.
void build_codes(const std::filesystem::path& folder, Sae& sae, const Normaliser& normaliser,
                 const ActivationStream& stream, const std::string& key, EventSink& events,
                 const std::function<void()>& breathe, Pool pool = Pool::none,
                 int64_t part_rows = kCodesPartRows);
/// A finished store, memory-mapped; UserError when it is not there, not finished, or its files
/// disagree. pool() is that of the codes, or else that of the rows they were made from: in both
/// cases a row is a whole sequence.
std::shared_ptr<const CodesReader> open_codes(const std::filesystem::path& folder);

}  // namespace facet
