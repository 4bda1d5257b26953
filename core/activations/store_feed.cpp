// Reads a finished activation store, one shard at a time.
#include <facet/torch.h>

#include <algorithm>
#include <optional>

#include "activations/activation_store.h"
#include "activations/store_parts.h"
#include "base/files.h"

namespace facet {

namespace fs = std::filesystem;

namespace {

class StoreFeed final : public RowFeed {
 public:
  StoreFeed(std::shared_ptr<const ActivationStore> store, Memory memory)
      : store_(std::move(store)), memory_(memory) {}

  void start(int64_t item) override {
    if (item > store_->items) refuse_shorter_data(item, store_->items);
    const auto& shards = store_->shards;
    const auto after = std::upper_bound(shards.begin(), shards.end(), item,
                                        [](int64_t i, const auto& s) { return i < s.item; });
    item_ = item;
    batch_ = 0;
    if (item == store_->items) {
      next_shard_ = shards.size();
      shard_.reset();
      return;
    }
    next_shard_ = static_cast<size_t>(after - shards.begin()) - 1;
    open_next();
    const auto* items = batch_item_.const_data_ptr<int64_t>();
    const auto* found = std::find(items, items + batches_, item);
    if (found == items + batches_)
      throw UserError("activations: record " + std::to_string(item) +
                      " is where to go on, but no batch of " + store_->folder.string() +
                      " begins there: it is not the data that the run began with");
    batch_ = found - items;
  }

  bool next(Rows& piece) override {
    while (!shard_ || batch_ == batches_) {
      if (next_shard_ == store_->shards.size()) return false;
      open_next();
    }
    const auto* row = batch_row_.const_data_ptr<int64_t>();
    const int64_t begin = row[batch_], end = row[batch_ + 1];
    const auto mapped = [&](const char* name) { return shard_->tensor(name).slice(0, begin, end); };
    // What is known of a row is little, and who keeps it should not keep the shard with it.
    const auto copied = [&](const char* name) { return mapped(name).clone(); };
    piece = {memory_ == Memory::shared ? mapped("x") : copied("x"), copied("sequence"),
             copied("position"), copied("token"), copied("flag")};
    ++batch_;
    item_ = batch_item_.const_data_ptr<int64_t>()[batch_];
    return true;
  }

  int64_t item() const override { return item_; }
  RowCount count() const override { return store_->count; }

 private:
  void open_next() {
    const fs::path file = part_file(store_->shards_folder(), static_cast<int64_t>(next_shard_));
    shard_ = open_part(store_->folder, file);
    batch_row_ = shard_->tensor("batch_row").clone();
    batch_item_ = shard_->tensor("batch_item").clone();
    batches_ = batch_row_.size(0) - 1;
    batch_ = 0;
    const int64_t rows = store_->shards[next_shard_].rows;
    for (const char* name : {"x", "sequence", "position", "token", "flag"})
      check_equal(store_->folder, file, std::string("rows of ") + name, shard_->sizes(name)[0],
                  rows);
    check_equal(store_->folder, file, "batches", batch_item_.size(0) - 1, batches_);
    check_equal(store_->folder, file, "rows of the batches", batch_row_[batches_].item<int64_t>(),
                rows);
    ++next_shard_;
  }

  std::shared_ptr<const ActivationStore> store_;
  Memory memory_;
  size_t next_shard_ = 0;
  std::optional<Safetensors> shard_;
  Tensor batch_row_, batch_item_;  // [batches + 1] of the shard
  int64_t batches_ = 0;
  int64_t batch_ = 0;  // next of the shard
  int64_t item_ = 0;
};

}  // namespace

std::shared_ptr<const ActivationStore> open_activations(const fs::path& folder,
                                                        const std::string& key) {
  auto out = std::make_shared<ActivationStore>();
  out->folder = folder;
  const fs::path file = out->record();
  if (!fs::exists(file))
    throw UserError(folder.string() +
                    ": not a finished activation store: it has no activations.json");
  const Value record = parse_json(read_file(file), file.string());
  check_equal(folder, file, "format", record.integer("format"), kActivationsFormat);
  check_key(folder, file, record.text("key"), key);
  out->count = {record.integer("rows"), record.integer("content_rows"), record.integer("sequences"),
                record.integer("content_sequences"),
                record.find("pads") ? record.integer("pads") : 0};
  out->items = record.integer("items");
  int64_t rows = 0;
  for (const Value& shard : record.array("shards")) {
    const fs::path part = part_file(out->shards_folder(), static_cast<int64_t>(out->shards.size()));
    std::error_code missing;
    const auto size = fs::file_size(part, missing);
    check_equal(folder, part, "bytes", missing ? 0 : static_cast<int64_t>(size),
                shard.integer("bytes"));
    out->shards.push_back({shard.integer("item"), shard.integer("rows")});
    rows += out->shards.back().rows;
  }
  check_equal(folder, file, "rows of the shards", rows, out->count.rows);
  return out;
}

std::unique_ptr<RowFeed> feed_of_store(std::shared_ptr<const ActivationStore> store,
                                       Memory memory) {
  return std::make_unique<StoreFeed>(std::move(store), memory);
}

}  // namespace facet
