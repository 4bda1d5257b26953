// RowFeed: one pass over the data as pieces of rows: the host's batches, the same read from a
// store, or chunks of made rows.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "activations/pool.h"
#include "activations/token_reader.h"
#include "data/dataset.h"
#include "facet/host.h"
#include "facet/rows.h"
#include "facet/stream.h"

namespace facet {

/// Of sequence, position, token and flag of a row.
inline constexpr int64_t kOriginBytes = 8 + 4 + 4 + 1;
/// What rows take in memory.
int64_t memory_of(const Rows& rows);

/// What a whole pass has. Content: without the tokens that the host added, and without pads. All
/// are -1 when only running the host can tell.
struct RowCount {
  int64_t rows = 0;
  int64_t content_rows = 0;
  int64_t sequences = 0;  ///< with a row
  int64_t content_sequences = 0;
  int64_t pads = 0;  ///< among `rows`
};

/// Which rows of a pass are kept.
struct RowFilter {
  bool content_only = true;  ///< not those of tokens that the host added
  bool pads = false;         ///< those of pads too
  double max_norm = 0;       ///< not those whose norm exceeds so many medians of the piece; 0: all
  int64_t normed = 0;        ///< hookpoints whose norms count, the first ones; 0: all
  Pool pool = Pool::none;
};

/// A piece holds whole sequences and is never split, and where it begins decides where it ends; so
/// a pass that goes on at the begin of a piece yields the same pieces, with the same bits, as one
/// that came there from the start.
class RowFeed {
 public:
  virtual ~RowFeed();
  /// The next piece begins at `item` (a sequence of the host, or a made row), which is the begin of
  /// a piece.
  virtual void start(int64_t item) = 0;
  /// The rows of the next piece, x [n, points, d] on the CPU; n may be 0. False at the end of the
  /// data. x may be memory of a mapped file, to be copied before anyone writes to it.
  virtual bool next(Rows& piece) = 0;
  /// No piece will be wanted for now: a feed that works ahead stops until the next next().
  virtual void rest() {}
  /// Where the piece after the last one begins.
  virtual int64_t item() const = 0;
  /// Of the whole pass, counted without running the host.
  virtual RowCount count() const = 0;
  virtual Tensor dictionary() const { return {}; }
  /// By this feed since it was made.
  virtual LeftOut left_out() const { return {}; }
};

/// Every token's row. Whole sequences are grouped in their order into batches of at most
/// `batch_tokens` tokens; a longer sequence is a batch of its own. `points` are canonical names of
/// equal width.
std::unique_ptr<RowFeed> feed_of_host(std::shared_ptr<HostModel> host, Dataset data,
                                      std::vector<std::string> points, int64_t batch_tokens,
                                      const Packing& packing = {});
/// Chunks of `chunk` made rows.
std::unique_ptr<RowFeed> feed_of_rows(Dataset data, int64_t chunk);
/// The rows of `raw` that the filter keeps, then pooled; pieces begin where they did. The median is
/// that of the piece's rows that are kept otherwise, at each hookpoint, so it needs nothing from
/// elsewhere; of an even number the lower one. source of max_norm: dictionary_learning 0.1.0,
/// buffer.py (max_norm_factor), whose median is that of one forward pass too
std::unique_ptr<RowFeed> feed_of_kept(std::unique_ptr<RowFeed> raw, const RowFilter& filter);

/// Rows with the hookpoints of `raw` in the order of `columns`, the first half of which is the
/// input, the other half its target; minus_input: each of these less its input, all in float32.
std::unique_ptr<RowFeed> feed_of_target(std::unique_ptr<RowFeed> raw,
                                        const std::vector<int64_t>& columns, bool minus_input);
/// Each of the `points` hookpoints of a row as a row of its own, x [n * points, 1, d]: row by row,
/// hookpoints in their order.
std::unique_ptr<RowFeed> feed_of_layers(std::unique_ptr<RowFeed> feed, int64_t points);

/// The pieces of `feed`, with the same bits, made on a thread of their own while their reader is at
/// work: pieces until at least `rows` rows wait. The very first piece is made on the reader's
/// thread; the other one begins with the second and ends with the data, an error, start() or
/// destruction, which wait for the piece it is at; rest() does not wait, and the thread begins
/// again when a piece is wanted that is not there.
std::unique_ptr<RowFeed> feed_ahead(std::unique_ptr<RowFeed> feed, int64_t rows);

/// UserError of a pass that had no row.
[[noreturn]] void refuse_no_rows();
/// UserError of a pass that ends before the item where it should go on.
[[noreturn]] void refuse_shorter_data(int64_t item, int64_t sequences);

/// Records of more tokens than the host's context.
enum class Longer { refused = 1, allowed };
/// The tokens of one record; errors name the record. UserError when the host's context is too short
/// for it and that is refused.
Tokens tokens_of(const HostModel& host, const Record& record, int64_t index,
                 Longer longer = Longer::refused);
/// How many specials stand before the first letter of a sequence.
int64_t leading_specials(const Tokens& tokens);

}  // namespace facet
