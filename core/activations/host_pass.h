// HostPass: several streams of one host read the same forward passes.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "activations/row_feed.h"

namespace facet {

/// The host runs over all hookpoints that its readers want; a piece that one of them asks for is
/// kept for every other that comes to it next, as the rows which that reader keeps. What a reader
/// is given does not depend on the others: a piece that was not kept is made again. Nobody keeps
/// more than `most_rows` (and one piece), so readers further apart have the host run for each.
class HostPass : public std::enable_shared_from_this<HostPass> {
 public:
  /// `feed` of a host at `points`: those of all readers, each once. One thread at a time reads.
  HostPass(std::unique_ptr<RowFeed> feed, std::vector<std::string> points);
  ~HostPass();

  /// What `kept` makes of a feed of the rows at `points`, which are among those of the pass: the
  /// same bits as kept(feed_of_host(...)).
  using Kept = std::function<std::unique_ptr<RowFeed>(std::unique_ptr<RowFeed> raw)>;
  std::unique_ptr<RowFeed> reader(const std::vector<std::string>& points, const Kept& kept,
                                  int64_t most_rows);

 private:
  class Reader;
  class Inlet;

  // Hands the piece that begins at `item` to every reader that wants it next; false at the end.
  bool make(int64_t item);
  void rest();

  std::unique_ptr<RowFeed> feed_;
  std::vector<std::string> points_;
  int64_t at_ = -1;  // where feed_ stands; -1: not begun
  std::vector<Reader*> readers_;
};

}  // namespace facet
