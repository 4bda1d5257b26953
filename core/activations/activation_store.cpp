// Builds an activation store shard by shard.
#include "activations/activation_store.h"

#include <facet/torch.h>

#include <cstdio>

#include "activations/store_parts.h"
#include "base/files.h"

namespace facet {

namespace fs = std::filesystem;

namespace {

std::string bytes_text(int64_t bytes) {
  constexpr const char* kUnits[] = {"kB", "MB", "GB", "TB", "PB"};
  if (bytes < 1000) return std::to_string(bytes) + " bytes";
  double size = static_cast<double>(bytes) / 1000;
  size_t unit = 0;
  for (; size >= 999.95 && unit < 4; ++unit) size /= 1000;
  char text[32];
  std::snprintf(text, sizeof text, "%.1f %s", size, kUnits[unit]);
  return text;
}

// Batches of the host that will be a shard.
struct Shard {
  std::vector<Rows> batches;
  std::vector<int64_t> row = {0}, item;  // where each batch begins, and the end
  int64_t bytes = 0;

  bool empty() const { return batches.empty(); }

  void add(Rows batch, int64_t first_item) {
    bytes += memory_of(batch);
    row.push_back(row.back() + batch.size());
    item.push_back(first_item);
    batches.push_back(std::move(batch));
  }

  // In an order that leaves each tensor aligned.
  NamedPieces tensors(int64_t next_item) const {
    std::vector<int64_t> items = item;
    items.push_back(next_item);
    const auto of_batches = [this](Tensor Rows::*member) {
      std::vector<Tensor> out;
      for (const Rows& batch : batches) out.push_back(batch.*member);
      return out;
    };
    return {{"batch_row", {torch::tensor(row, torch::kInt64)}},
            {"batch_item", {torch::tensor(items, torch::kInt64)}},
            {"sequence", of_batches(&Rows::sequence)},
            {"position", of_batches(&Rows::position)},
            {"token", of_batches(&Rows::token)},
            {"x", of_batches(&Rows::x)},
            {"flag", of_batches(&Rows::flag)}};
  }
};

class RowsBuilder {
 public:
  RowsBuilder(const fs::path& folder, const ActivationStream& stream, std::string key,
              EventSink& events, const StoreLimits& limits)
      : events_(events), limits_(limits), feed_(stream.raw_feed()), count_(feed_->count()) {
    store_.folder = folder;
    at_.key = std::move(key);
  }

  void write_shards(const std::function<void()>& breathe) {
    go_on();
    Shard shard;
    for (bool first = true;; first = false) {
      breathe();
      const int64_t begin = feed_->item();
      Rows batch;
      if (!feed_->next(batch)) break;
      if (first) check_room(batch.x);
      if (!shard.empty() && shard.bytes + memory_of(batch) > limits_.shard_bytes) {
        write(shard, begin);
        shard = {};
      }
      shard.add(std::move(batch), begin);
      events_.progress("activations", at_.rows + shard.row.back(), count_.rows, "rows");
    }
    if (!shard.empty()) write(shard, feed_->item());
  }

  void finish() {
    if (at_.rows != count_.rows)
      throw UserError("activations.store: " + store_.folder.string() + " holds " +
                      std::to_string(at_.rows) + " rows, should be " + std::to_string(count_.rows) +
                      ": the data changed meanwhile\nremove that folder, then run again");
    Value::Array shards;
    for (size_t i = 0; i < store_.shards.size(); ++i) {
      const fs::path file = part_file(store_.shards_folder(), static_cast<int64_t>(i));
      shards.emplace_back(Value::Table{{"item", store_.shards[i].item},
                                       {"rows", store_.shards[i].rows},
                                       {"bytes", static_cast<int64_t>(fs::file_size(file))}});
    }
    Value record(Value::Table{{"format", kActivationsFormat},
                              {"key", at_.key},
                              {"rows", count_.rows},
                              {"content_rows", count_.content_rows},
                              {"sequences", count_.sequences},
                              {"content_sequences", count_.content_sequences},
                              {"pads", count_.pads},
                              {"items", at_.next_item},
                              {"shards", std::move(shards)}});
    write_file(store_.record(), emit_json_pretty(record));
  }

 private:
  void go_on() {
    for (PartEnd& end : finished_parts(store_.folder, store_.shards_folder(), at_.key)) {
      store_.shards.push_back({at_.next_item, end.rows - at_.rows});
      at_ = std::move(end);
    }
    feed_->start(at_.next_item);
  }

  // x [n, points, d] of a batch: now the dtype is known.
  void check_room(const Tensor& x) const {
    const auto number = static_cast<int64_t>(x.element_size());
    const int64_t needed = activation_bytes(count_.rows - at_.rows, x.size(1), x.size(2), number);
    const int64_t free = limits_.free_bytes >= 0
                             ? limits_.free_bytes
                             : static_cast<int64_t>(fs::space(store_.folder).available);
    const std::string rows = std::to_string(count_.rows - at_.rows) + " rows of " +
                             std::to_string(x.size(1)) + " x " + std::to_string(x.size(2)) +
                             " numbers of " + std::to_string(number) + " bytes";
    if (free < needed)
      throw UserError("activations.store: " + bytes_text(free) + " are free at " +
                      store_.folder.string() + ", should be " + bytes_text(needed) + " for " +
                      rows +
                      "\nmake room, name another folder with --runs, or set activations.store = "
                      "\"live\"");
    events_.info("activations", rows + " go to " + store_.folder.string() + ": " +
                                    bytes_text(needed) + ", " + bytes_text(free) + " are free");
  }

  void write(const Shard& shard, int64_t next_item) {
    const int64_t rows = shard.row.back();
    const int64_t first = at_.next_item;
    at_.next_item = next_item;
    at_.read = at_.rows += rows;
    save_part(part_file(store_.shards_folder(), static_cast<int64_t>(store_.shards.size())),
              shard.tensors(next_item), at_);
    store_.shards.push_back({first, rows});
  }

  EventSink& events_;
  StoreLimits limits_;
  std::unique_ptr<RowFeed> feed_;
  RowCount count_;
  ActivationStore store_;
  PartEnd at_;
};

}  // namespace

int64_t activation_bytes(int64_t rows, int64_t points, int64_t d, int64_t number_bytes) {
  return rows * (points * d * number_bytes + kOriginBytes);
}

void build_activations(const fs::path& folder, const ActivationStream& stream,
                       const std::string& key, EventSink& events,
                       const std::function<void()>& breathe, const StoreLimits& limits) {
  const ActivationStore store{folder, {}, 0, {}};
  if (fs::exists(store.record())) return;
  make_folder(store.shards_folder());
  RowsBuilder builder(folder, stream, key, events, limits);
  builder.write_shards(breathe);
  builder.finish();
}

}  // namespace facet
