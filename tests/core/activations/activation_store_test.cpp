// The activation store: the bits of the live stream, a build that may be cut anywhere, and what is
// refused.
#include "activations/activation_store.h"

#include <facet/torch.h>
#include <gtest/gtest.h>

#include <map>

#include "activations/store_parts.h"
#include "base/files.h"
#include "base/sinks.h"
#include "core/activations/letter_host.h"
#include "core/base/test_folder.h"
#include "expect_refusal.h"
#include "facet/rng.h"
#include "facet/safetensors.h"

namespace facet {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kShard = 1500;  // bytes: two or three batches of 16 tokens

// What is said once.
struct Said final : EventSink {
  void emit(const Event& event) override {
    if (event.level != Level::progress) said.push_back(event.fields.text("message"));
  }
  std::vector<std::string> said;
};

std::map<std::string, std::string> bytes(const fs::path& folder) {
  std::map<std::string, std::string> out;
  for (const auto& entry : fs::recursive_directory_iterator(folder))
    if (entry.is_regular_file())
      out[fs::relative(entry.path(), folder).string()] = read_file(entry.path());
  return out;
}

class Activations : public testing::Test {
 protected:
  ActivationStream stream(const std::string& rows = "content", const std::string& pool = "none",
                          std::vector<std::string> list = words(40)) {
    StreamParams params = small_windows();
    params.rows = rows;
    params.pool = pool;
    return ActivationStream(host_, texts(std::move(list)), {"embeddings", "blocks.0.out"}, params);
  }

  void build(
      const fs::path& folder, const std::function<void()>& breathe = [] {},
      int64_t free_bytes = -1) {
    build_activations(folder, stream(), "the key", said_, breathe, {kShard, free_bytes});
  }

  // A build that ends at the given breath.
  void build_until(const fs::path& folder, int breath) {
    int breaths = 0;
    EXPECT_THROW(build(folder,
                       [&] {
                         if (breaths++ == breath) throw Stopped("enough");
                       }),
                 Stopped);
  }

  fs::path shard(int64_t index) const { return part_file(store_ / "shards", index); }

  TestFolder base_;
  fs::path store_ = base_ / "store";
  std::shared_ptr<LetterHost> host_ = std::make_shared<LetterHost>();
  Said said_;
};

// Reads an epoch and a half of both by `step` rows: bits and cursors are the same.
void expect_same(const ActivationStream& live, const ActivationStream& kept, Order order,
                 int64_t step) {
  const auto a = live.open(order, 9), b = kept.open(order, 9);
  EXPECT_EQ(a->key(), b->key());
  EXPECT_EQ(a->epoch_rows(), b->epoch_rows());
  for (int64_t i = 0; i < a->epoch_rows() * 3 / (2 * step) + 2; ++i) {
    ASSERT_TRUE(same_bits(a->next(step), b->next(step))) << "step " << i;
    ASSERT_EQ(a->cursor(), b->cursor());
  }
}

TEST_F(Activations, on_disk_have_the_bits_of_the_live_stream) {
  build(store_);
  const auto store = open_activations(store_, "the key");
  EXPECT_GT(store->shards.size(), 3u);
  for (const char* rows : {"content", "all"})
    for (const char* pool : {"none", "mean", "max"})
      for (const Order order : {Order::sequential, Order::shuffled}) {
        const ActivationStream live = stream(rows, pool);
        ActivationStream kept = stream(rows, pool);
        kept.read_from(store);
        EXPECT_EQ(live.key(), kept.key());
        expect_same(live, kept, order, 23);
      }
}

// A window is whole batches of the host, across shards; the last one has what is left.
TEST_F(Activations, drawn_from_disk_are_windows_joined_and_permuted) {
  build(store_);
  const auto store = open_activations(store_, "the key");
  std::vector<int64_t> batches;
  for (size_t i = 0; i < store->shards.size(); ++i) {
    const Tensor rows = Safetensors(shard(static_cast<int64_t>(i))).tensor("batch_row").diff();
    for (int64_t b = 0; b < rows.size(0); ++b) batches.push_back(rows[b].item<int64_t>());
  }
  const int64_t total = store->count.rows, most = 50;
  StreamParams params = small_windows(most);
  params.rows = "all";
  ActivationStream kept(host_, texts(words(40)), {"embeddings", "blocks.0.out"}, params);
  kept.read_from(store);
  ASSERT_GT(most, store->shards[0].rows);
  const Rows in_order = kept.open(Order::sequential, 0)->next(total);
  const auto source = kept.open(Order::shuffled, 9);
  int64_t begin = 0, window = 0;
  for (auto batch = batches.begin(); batch != batches.end(); ++window) {
    int64_t end = begin;
    while (batch != batches.end() && end - begin < most) end += *batch++;
    const Tensor order =
        torch::tensor(Rng(9, "epoch/0/window/" + std::to_string(window)).permutation(end - begin));
    ASSERT_TRUE(same_bits(source->next(end - begin), in_order.slice(begin, end).select(order)))
        << "window " << window;
    begin = end;
  }
  EXPECT_GT(window, 3);
  EXPECT_EQ(begin, total);
}

TEST_F(Activations, read_from_disk_may_be_written_to) {
  build(store_);
  const auto whole = bytes(store_);
  ActivationStream kept = stream();
  kept.read_from(open_activations(store_, "the key"));
  for (const Order order : {Order::sequential, Order::shuffled})
    for (int64_t rows : {5, 1000}) kept.open(order, 1)->next(rows).x.zero_();
  Rows piece;
  const auto feed = kept.feed();
  feed->start(0);
  ASSERT_TRUE(feed->next(piece));
  piece.x.zero_();
  EXPECT_TRUE(bytes(store_) == whole);
}

TEST_F(Activations, on_disk_need_no_host) {
  build(store_);
  ActivationStream kept = stream();
  kept.read_from(open_activations(store_, "the key"));
  host_->batches.clear();
  for (int i = 0; i < 60; ++i) kept.open(Order::shuffled, 1)->next(10);
  EXPECT_TRUE(host_->batches.empty());
}

TEST_F(Activations, go_on_from_disk_where_they_stopped_live_and_back) {
  build(store_);
  const ActivationStream live = stream();
  ActivationStream kept = stream();
  kept.read_from(open_activations(store_, "the key"));
  const auto whole = live.open(Order::shuffled, 3);
  std::vector<Rows> rows;
  std::vector<Value> cursors;
  for (int i = 0; i < 60; ++i) {
    cursors.push_back(whole->cursor());
    rows.push_back(whole->next(11));
  }
  for (size_t at = 0; at + 1 < rows.size(); ++at) {
    const auto one = (at % 2 ? live : kept).open(Order::shuffled, 3);
    one->seek(cursors[at]);
    ASSERT_TRUE(same_bits(one->next(11), rows[at])) << at;
    const auto other = (at % 2 ? kept : live).open(Order::shuffled, 3);
    other->seek(one->cursor());
    ASSERT_TRUE(same_bits(other->next(11), rows[at + 1])) << at;
  }
}

TEST_F(Activations, keep_specials_flagged_and_say_where_batches_begin) {
  build(store_);
  int64_t rows = 0, specials = 0, next_item = 0;
  for (size_t i = 0; i < open_activations(store_, "the key")->shards.size(); ++i) {
    const Safetensors part(shard(static_cast<int64_t>(i)));
    specials += part.tensor("flag").sum().item<int64_t>();
    rows += part.tensor("x").size(0);
    EXPECT_EQ(part.tensor("batch_item")[0].item<int64_t>(), next_item);
    next_item = part.tensor("batch_item")[-1].item<int64_t>();
    EXPECT_EQ(part.tensor("batch_row")[-1].item<int64_t>(), part.tensor("x").size(0));
  }
  EXPECT_EQ(next_item, 40);
  EXPECT_EQ(specials, 80);
  EXPECT_EQ(rows, stream("all").open(Order::sequential, 0)->epoch_rows());
}

TEST_F(Activations, of_a_batch_larger_than_a_shard_are_a_shard_of_their_own) {
  const auto few = [&] { return stream("content", "none", words(8)); };
  build_activations(store_, few(), "the key", said_, [] {}, {1});
  const auto store = open_activations(store_, "the key");
  ActivationStream kept = few();
  kept.read_from(store);
  expect_same(few(), kept, Order::sequential, 23);
  for (size_t i = 0; i < store->shards.size(); ++i)
    EXPECT_EQ(Safetensors(shard(static_cast<int64_t>(i))).tensor("batch_row").size(0), 2);
}

TEST_F(Activations, cut_anywhere_end_with_the_same_bytes) {
  build(base_ / "whole");
  const auto whole = bytes(base_ / "whole");
  host_->batches.clear();
  build(base_ / "again");
  const auto batches = static_cast<int>(host_->batches.size());
  for (int cut = 0; cut <= batches; cut += 5) {
    const fs::path folder = base_ / ("cut" + std::to_string(cut));
    build_until(folder, cut);
    EXPECT_FALSE(fs::exists(folder / "activations.json"));
    host_->batches.clear();
    build(folder);
    EXPECT_TRUE(bytes(folder) == whole) << "cut " << cut;
    EXPECT_LE(static_cast<int>(host_->batches.size()), batches - cut + 3) << "cut " << cut;
  }
  host_->batches.clear();
  build(base_ / "whole");
  EXPECT_TRUE(host_->batches.empty());
}

TEST_F(Activations, on_a_full_disk_leave_nothing_that_is_taken_for_whole) {
  build(base_ / "whole");
  const auto whole = bytes(base_ / "whole");
  int64_t total = 0;
  for (const auto& [name, content] : whole) total += static_cast<int64_t>(content.size());
  for (const int64_t room : {int64_t{10}, total / 3, total / 2, total - 10}) {
    const fs::path folder = base_ / ("full" + std::to_string(room));
    fail_disk_after(room);
    const std::string text = refusal_of([&] { build(folder); });
    fail_disk_after(-1);
    EXPECT_EQ(text.find(folder.string() + "/"), 0u) << text;
    EXPECT_NE(text.find(".safetensors: cannot write: No space left on device\nwhat is finished "
                        "stays: make room, then run the same command again") != std::string::npos
                  ? 0u
                  : text.find("activations.json: cannot write: No space left on device"),
              std::string::npos)
        << text;
    EXPECT_NE(refusal_of([&] { open_activations(folder, "the key"); }), "(no refusal)");
    build(folder);
    EXPECT_TRUE(bytes(folder) == whole) << room;
  }
}

TEST_F(Activations, say_how_large_they_will_be_and_are_refused_without_room) {
  const int64_t rows = stream("all").open(Order::sequential, 0)->epoch_rows();
  const int64_t needed = activation_bytes(rows, 2, 4, 4);
  EXPECT_EQ(needed, rows * (2 * 4 * 4 + 17));
  const std::string what = std::to_string(rows) + " rows of 2 x 4 numbers of 4 bytes";
  const auto kilo = [](int64_t n) {
    char text[32];
    std::snprintf(text, sizeof text, "%.1f kB", static_cast<double>(n) / 1000);
    return std::string(text);
  };
  EXPECT_EQ(refusal_of([&] {
              build(
                  store_, [] {}, needed - 1);
            }),
            "activations.store: " + kilo(needed - 1) + " are free at " + store_.string() +
                ", should be " + kilo(needed) + " for " + what +
                "\nmake room, name another folder with --runs, or set activations.store = "
                "\"live\"");
  EXPECT_TRUE(said_.said.empty());
  build(
      store_, [] {}, needed);
  EXPECT_EQ(said_.said,
            (std::vector<std::string>{what + " go to " + store_.string() + ": " + kilo(needed) +
                                      ", " + kilo(needed) + " are free"}));
  EXPECT_LT(fs::file_size(shard(0)), static_cast<uintmax_t>(kShard + 600));  // and its header
}

TEST_F(Activations, need_room_only_for_what_is_missing) {
  build_until(store_, 12);
  const int64_t rows = stream("all").open(Order::sequential, 0)->epoch_rows();
  const int64_t all = activation_bytes(rows, 2, 4, 4);
  EXPECT_EQ(refusal_of([&] {
              build(
                  store_, [] {}, all - 1);
            }),
            "(no refusal)");
}

TEST_F(Activations, of_no_records_are_no_rows) {
  build_activations(store_, stream("content", "none", {}), "the key", said_, [] {}, {kShard});
  ActivationStream kept = stream("content", "none", {});
  kept.read_from(open_activations(store_, "the key"));
  EXPECT_EQ(refusal_of([&] { kept.open(Order::sequential, 0)->next(1); }),
            "activations: no rows: the data has no records, or none with a token that is kept");
}

TEST_F(Activations, are_refused_when_they_are_unfinished_or_damaged) {
  EXPECT_EQ(refusal_of([&] { open_activations(store_, "the key"); }),
            store_.string() + ": not a finished activation store: it has no activations.json");
  build(store_);
  const std::string advice =
      "\nthe store is damaged: remove " + store_.string() + " to build it again";
  const auto after = [&](const fs::path& file, const std::string& content) {
    const std::string before = read_file(file);
    write_file(file, content);
    const std::string text = refusal_of([&] { open_activations(store_, "the key"); });
    write_file(file, before);
    return text;
  };
  const std::string part = read_file(shard(1));
  EXPECT_EQ(after(shard(1), part.substr(0, part.size() - 9)),
            shard(1).string() + ": bytes: is " + std::to_string(part.size() - 9) + ", should be " +
                std::to_string(part.size()) + advice);
  fs::rename(shard(2), base_ / "aside");
  EXPECT_EQ(refusal_of([&] { open_activations(store_, "the key"); }),
            shard(2).string() + ": bytes: is 0, should be " +
                std::to_string(fs::file_size(base_ / "aside")) + advice);
  fs::rename(base_ / "aside", shard(2));
  const fs::path file = store_ / "activations.json";
  EXPECT_EQ(refusal_of([&] { open_activations(store_, "another"); }),
            file.string() + ": key: is the key, should be another" + advice);
  Value record = parse_json(read_file(file), "activations.json");
  const int64_t rows = record.integer("rows");
  record.set("rows", rows + 1);
  EXPECT_EQ(after(file, emit_json(record)), file.string() + ": rows of the shards: is " +
                                                std::to_string(rows) + ", should be " +
                                                std::to_string(rows + 1) + advice);
  EXPECT_EQ(refusal_of([&] { open_activations(store_, "the key"); }), "(no refusal)");
}

TEST_F(Activations, are_not_gone_on_with_from_a_shard_that_was_cut_or_is_of_another_store) {
  build_until(store_, 12);
  ASSERT_TRUE(fs::exists(shard(1)));
  const std::string advice =
      "\nthe store is damaged: remove " + store_.string() + " to build it again";
  const std::string part = read_file(shard(0));
  write_file(shard(0), part.substr(0, part.size() - 9));
  const std::string text = refusal_of([&] { build(store_); });
  EXPECT_EQ(text.find(shard(0).string() + ": cut short: holds "), 0u) << text;
  EXPECT_NE(text.find(advice), std::string::npos) << text;
  write_file(shard(0), part);
  EXPECT_EQ(
      refusal_of([&] { build_activations(store_, stream(), "another", said_, [] {}, {kShard}); }),
      shard(0).string() + ": key: is the key, should be another" + advice);
  save_safetensors(shard(0), {{"x", torch::zeros({1})}});
  EXPECT_EQ(refusal_of([&] { build(store_); }),
            shard(0).string() + ": not a part of a store: it has no \"key\"" + advice);
}

TEST_F(Activations, are_refused_for_a_cursor_of_other_data) {
  build(store_);
  ActivationStream kept = stream();
  kept.read_from(open_activations(store_, "the key"));
  const auto source = kept.open(Order::shuffled, 1);
  const auto seek_to = [&](int64_t item) {
    return refusal_of([&] {
      source->seek(Value::Table{{"epoch", 0}, {"window", 1}, {"item", item}, {"row", 0}});
    });
  };
  EXPECT_EQ(seek_to(41),
            "activations: record 41 is where to go on, but the data ends after 40: it is not the "
            "data that the run began with");
  EXPECT_EQ(seek_to(1), "activations: record 1 is where to go on, but no batch of " +
                            store_.string() +
                            " begins there: it is not the data that the run began with");
}

// Has one record more each time it is opened.
class GrowingData final : public Data {
 public:
  std::unique_ptr<RecordReader> open() const override {
    lists_.push_back(std::make_unique<ListData>(words(++records_)));
    return lists_.back()->open();
  }

 private:
  mutable int64_t records_ = 20;
  mutable std::vector<std::unique_ptr<ListData>> lists_;
};

TEST_F(Activations, are_refused_when_the_data_changes_meanwhile) {
  const ActivationStream growing(host_, dataset_of(std::make_shared<GrowingData>()), {"embeddings"},
                                 small_windows());
  const auto rows = [](int64_t records) {
    int64_t out = 0;
    for (const std::string& word : words(records)) out += static_cast<int64_t>(word.size()) + 2;
    return std::to_string(out);
  };
  EXPECT_EQ(
      refusal_of([&] { build_activations(store_, growing, "the key", said_, [] {}, {kShard}); }),
      "activations.store: " + store_.string() + " holds " + rows(22) + " rows, should be " +
          rows(21) + ": the data changed meanwhile\nremove that folder, then run again");
}

TEST(MadeRows, are_neither_kept_on_disk_nor_pooled) {
  const auto made = [](const std::string& pool, const std::string& store) {
    StreamParams params = small_windows();
    params.pool = pool;
    params.store = store;
    return refusal_of([&] { ActivationStream(dataset_of(std::make_shared<WaveData>(9)), params); });
  };
  EXPECT_EQ(made("none", "live"), "(no refusal)");
  EXPECT_EQ(made("none", "disk"),
            "activations.store: is \"disk\", should be \"live\": this data makes rows by itself");
  EXPECT_EQ(made("mean", "live"),
            "activations.pool: is \"mean\", should be \"none\": this data makes rows by itself");
}

}  // namespace
}  // namespace facet
