// The activation store: every row of a host at some hookpoints, on disk, built once and read by
// any stream over the same rows.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "activations/activation_stream.h"
#include "activations/row_feed.h"
#include "facet/event.h"

namespace facet {

/// Bytes of one shard at most, unless one batch of the host is larger. A build holds one of them
/// and a batch, and what a cut build loses is one.
inline constexpr int64_t kShardBytes = int64_t{1} << 27;

/// The value of activations.json's `format`.
inline constexpr int64_t kActivationsFormat = 1;

/// Bytes of a store, but for the headers of its files: numbers of `number_bytes` each, and where
/// each row came from.
int64_t activation_bytes(int64_t rows, int64_t points, int64_t d, int64_t number_bytes);

struct StoreLimits {
  int64_t shard_bytes = kShardBytes;
  int64_t free_bytes = -1;  ///< what the disk has; -1: it is asked
};

/// Builds the store of the stream's raw rows in `folder` (named by its key) unless it is finished
/// there, going on from what an earlier process left; the bytes are the same wherever it was cut.
/// Says to `events` how large it will be. `breathe` is called before each batch and may throw
/// Stopped; finished shards stay. UserError when the disk has too little room.
///
/// shards/00000.safetensors  x [n, points, d] in the host's dtype, sequence, position, token, flag
///                           (as Rows; specials too, so that any row policy reads it), and the
///                           host's batches: batch_row, batch_item [batches + 1], the first row
///                           and record of each, and the end
/// activations.json          written last: a store without it is not finished
void build_activations(const std::filesystem::path& folder, const ActivationStream& stream,
                       const std::string& key, EventSink& events,
                       const std::function<void()>& breathe, const StoreLimits& limits = {});

/// A finished store.
struct ActivationStore {
  struct Shard {
    int64_t item = 0;  ///< record that it begins with
    int64_t rows = 0;
  };
  std::filesystem::path folder;
  RowCount count;
  int64_t items = 0;  ///< records of the pass
  std::vector<Shard> shards;

  std::filesystem::path record() const { return folder / "activations.json"; }
  std::filesystem::path shards_folder() const { return folder / "shards"; }
};

/// UserError when the store is not there, not finished, another's than `key`'s, or a file is
/// missing or cut short.
std::shared_ptr<const ActivationStore> open_activations(const std::filesystem::path& folder,
                                                        const std::string& key);
/// Of a store's pieces. own: x is a copy; shared: x is the mapped shard, which stays mapped as long
/// as the piece is held, and nobody may write to it.
enum class Memory { own = 1, shared };
/// The pieces that the host gave, with the same bits. One shard is open at a time.
std::unique_ptr<RowFeed> feed_of_store(std::shared_ptr<const ActivationStore> store, Memory memory);

}  // namespace facet
