// RowFeed: one pass over the data as pieces of rows, either the host's batches or chunks of made
// rows.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "data/dataset.h"
#include "facet/host.h"
#include "facet/rows.h"

namespace facet {

/// A piece is never split, and where it begins decides where it ends; so a pass that goes on at the
/// begin of a piece yields the same pieces, with the same bits, as one that came there from the
/// start.
class RowFeed {
 public:
  virtual ~RowFeed();
  /// The next piece begins at `item` (a record, or a made row), which is the begin of a piece.
  virtual void start(int64_t item) = 0;
  /// The rows of the next piece, x [n, points, d] on the CPU; n may be 0. False at the end of the
  /// data.
  virtual bool next(Rows& piece) = 0;
  /// Where the piece after the last one begins.
  virtual int64_t item() const = 0;
  /// Rows of the whole pass, counted without running the host.
  virtual int64_t count() const = 0;
  virtual Tensor dictionary() const { return {}; }
};

/// Whole sequences are grouped in their order into batches of at most `batch_tokens` tokens; a
/// longer sequence is a batch of its own. `points` are canonical names of equal width.
std::unique_ptr<RowFeed> feed_of_host(std::shared_ptr<HostModel> host, Dataset data,
                                      std::vector<std::string> points, bool content_only,
                                      int64_t batch_tokens);
/// Chunks of `chunk` made rows.
std::unique_ptr<RowFeed> feed_of_rows(Dataset data, int64_t chunk);

/// The tokens of one record; errors name the record. UserError when the host's context is too short
/// for it.
Tokens tokens_of(const HostModel& host, const Record& record, int64_t index);
/// How many specials stand before the first letter of a sequence.
int64_t leading_specials(const Tokens& tokens);

}  // namespace facet
