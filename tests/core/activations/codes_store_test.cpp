// The codes store: what it holds, that a cut build ends with the same bytes, and what is refused.
#include "activations/codes_store.h"

#include <facet/torch.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>

#include "activations/activation_store.h"
#include "base/files.h"
#include "base/sinks.h"
#include "core/activations/letter_host.h"
#include "core/activations/small_sae.h"
#include "expect_refusal.h"

namespace facet {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kPartRows = 32;

class CodesStore : public testing::Test {
 protected:
  CodesStore() {
    add_core_normalisers(registry_);
    normaliser_ = make_normaliser(registry_, {}, "normalize");
    fs::remove_all(base_);
  }
  ~CodesStore() override {
    fail_disk_after(-1);
    fs::remove_all(base_);
  }

  void build(
      const fs::path& folder, const std::function<void()>& breathe = [] {},
      Pool pool = Pool::none) {
    NoSink events;
    build_codes(folder, *sae_, *normaliser_, stream_, "the key", events, breathe, pool, kPartRows);
  }

  static std::map<std::string, std::string> bytes(const fs::path& folder) {
    std::map<std::string, std::string> out;
    for (const auto& entry : fs::recursive_directory_iterator(folder))
      if (entry.is_regular_file())
        out[fs::relative(entry.path(), folder).string()] = read_file(entry.path());
    return out;
  }

  fs::path base_ =
      fs::temp_directory_path() / ("facet_codes_" + std::to_string(::getpid()) + "_" +
                                   testing::UnitTest::GetInstance()->current_test_info()->name());
  Registry registry_;
  std::shared_ptr<LetterHost> host_ = std::make_shared<LetterHost>();
  ActivationStream stream_{host_, texts(words(40)), {"embeddings"}, small_windows()};
  std::unique_ptr<SmallSae> sae_ = small_sae({16, 3});
  std::unique_ptr<Normaliser> normaliser_;
};

TEST_F(CodesStore, holds_the_codes_of_the_sequential_pass) {
  build(base_);
  const auto codes = open_codes(base_);
  const Rows rows = stream_.open(Order::sequential, 0)->next(1000);
  const int64_t n = rows.x.size(0);
  ASSERT_GT(n, 2 * kPartRows);
  EXPECT_EQ(codes->rows(), n);
  EXPECT_EQ(codes->key(), "the key");
  const torch::NoGradGuard no_grad;
  for (int64_t begin = 0; begin < n; begin += 13) {
    const int64_t end = std::min(n, begin + 50);
    const Codes expected = sae_->encode(rows.x.select(1, 0).slice(0, begin, end), Mode::infer);
    const Codes slice = codes->slice(begin, end);
    EXPECT_TRUE(torch::allclose(slice.dense(), expected.dense()));
    EXPECT_EQ(slice.d_sae, 16);
  }
  EXPECT_EQ(codes->slice(5, 5).rows(), 0);
}

TEST_F(CodesStore, says_where_each_row_came_from) {
  build(base_);
  const auto codes = open_codes(base_);
  const Rows rows = stream_.open(Order::sequential, 0)->next(1000);
  const Rows ids = codes->ids();
  EXPECT_TRUE(torch::equal(ids.sequence, rows.sequence) &&
              torch::equal(ids.position, rows.position) && torch::equal(ids.token, rows.token) &&
              torch::equal(ids.flag, rows.flag));
  ASSERT_EQ(codes->sequences().size(), 40u);
  EXPECT_EQ(codes->sequences()[7].id, "p7");
  EXPECT_EQ(codes->sequences()[7].text, words(40)[7]);
  EXPECT_EQ(codes->sequences()[7].description, "number 7");
  EXPECT_EQ(codes->letter_offset(), 1);
}

TEST_F(CodesStore, lists_the_firing_rows_of_a_latent_by_value) {
  build(base_);
  const auto codes = open_codes(base_);
  const Tensor dense = codes->slice(0, codes->rows()).dense();
  EXPECT_TRUE(torch::equal(codes->firing_counts(), dense.gt(0).sum(0)));
  for (int64_t latent = 0; latent < codes->d_sae(); ++latent) {
    const auto [row, value] = codes->firing(latent);
    EXPECT_TRUE(torch::equal(dense.select(1, latent).index_select(0, row), value));
    const Tensor step = value.diff();
    EXPECT_TRUE(step.le(0).all().item<bool>());
    EXPECT_TRUE(row.diff().gt(0).logical_or(step.lt(0)).all().item<bool>());  // ties by row
  }
}

TEST_F(CodesStore, a_build_cut_anywhere_ends_with_the_same_bytes) {
  for (const Pool pool : {Pool::none, Pool::mean}) {
    const fs::path base = base_ / name_of(pool);
    build(
        base / "whole", [] {}, pool);
    const auto whole = bytes(base / "whole");
    EXPECT_GT(whole.size(), 6u);
    for (int cut = 1; cut < 15; cut += 6) {
      const fs::path folder = base / ("cut" + std::to_string(cut));
      int breaths = 0;
      EXPECT_THROW(build(
                       folder,
                       [&] {
                         if (breaths++ == cut) throw Stopped("enough");
                       },
                       pool),
                   Stopped);
      EXPECT_FALSE(fs::exists(folder / "codes.json"));
      build(
          folder, [] {}, pool);
      EXPECT_TRUE(bytes(folder) == whole) << "cut " << cut;
    }
  }
}

TEST_F(CodesStore, of_a_pooled_encode_has_a_row_for_each_sequence) {
  build(base_ / "tokens");
  const auto tokens = open_codes(base_ / "tokens");
  EXPECT_EQ(tokens->pool(), "none");
  const Tensor sequence = tokens->ids().sequence;
  for (const Pool pool : {Pool::mean, Pool::max}) {
    build(
        base_ / name_of(pool), [] {}, pool);
    const auto codes = open_codes(base_ / name_of(pool));
    EXPECT_EQ(codes->pool(), name_of(pool));
    EXPECT_EQ(codes->rows(), 40);
    EXPECT_EQ(codes->sequences().size(), 40u);
    const Codes expected = pooled(tokens->slice(0, tokens->rows()), sequence, pool);
    EXPECT_TRUE(torch::equal(codes->slice(0, 40).dense(), expected.dense()));
    const Rows ids = codes->ids();
    EXPECT_TRUE(torch::equal(ids.sequence, torch::arange(40)));
    EXPECT_TRUE(torch::equal(ids.position, torch::zeros({40}, torch::kInt32)));
    EXPECT_TRUE(torch::equal(codes->firing_counts(), expected.dense().gt(0).sum(0)));
  }
}

TEST_F(CodesStore, says_which_rows_it_is_of) {
  StreamParams params = small_windows();
  params.pool = "max";
  params.rows = "all";
  const ActivationStream rows(host_, texts(words(9)), {"blocks.0.out"}, params);
  NoSink events;
  build_codes(base_, *sae_, *normaliser_, rows, "the key", events, [] {});
  const Value record = parse_json(read_file(base_ / "codes.json"), "codes.json");
  EXPECT_EQ(record.text("pool"), "none");
  EXPECT_EQ(emit_json(record.at("stream")),
            "{\"hookpoints\":[\"blocks.0.out\"],\"host\":\"letters\",\"pool\":\"max\",\"rows\":"
            "\"all\"}");
  EXPECT_EQ(open_codes(base_)->pool(), "max");  // a row is a whole sequence all the same
}

TEST_F(CodesStore, of_a_stream_on_disk_has_the_same_bytes) {
  build(base_ / "live");
  NoSink events;
  build_activations(base_ / "rows", stream_, "key", events, [] {}, {1000});
  stream_.read_from(open_activations(base_ / "rows", "key"));
  build(base_ / "disk");
  EXPECT_TRUE(bytes(base_ / "disk") == bytes(base_ / "live"));
}

TEST_F(CodesStore, is_refused_without_rows) {
  const ActivationStream empty(host_, texts({"", ""}), {"embeddings"}, small_windows());
  NoSink events;
  EXPECT_EQ(refusal_of([&] {
              build_codes(
                  base_, *sae_, *normaliser_, empty, "k", events, [] {}, Pool::mean);
            }),
            "activations: no rows: the data has no records, or none with a token that is kept");
}

TEST_F(CodesStore, finished_parts_are_not_computed_again) {
  int breaths = 0;
  EXPECT_THROW(build(base_,
                     [&] {
                       if (breaths++ == 16) throw Stopped("enough");
                     }),
               Stopped);
  const size_t all = [&] {
    const auto host = std::make_shared<LetterHost>();
    ActivationStream(host, texts(words(40)), {"embeddings"}, small_windows())
        .open(Order::sequential, 0)
        ->next(1000);
    return host->batches.size();
  }();
  host_->batches.clear();
  build(base_);
  EXPECT_LT(host_->batches.size(), all / 2);
  host_->batches.clear();
  build(base_);
  EXPECT_TRUE(host_->batches.empty());
}

TEST_F(CodesStore, a_full_disk_leaves_nothing_wrong) {
  build(base_ / "whole");
  const auto whole = bytes(base_ / "whole");
  for (const int64_t room : {100, 1500, 9000, 20000}) {
    const fs::path folder = base_ / ("full" + std::to_string(room));
    fail_disk_after(room);
    EXPECT_NE(refusal_of([&] { build(folder); }), "(no refusal)") << room;
    fail_disk_after(-1);
    build(folder);
    EXPECT_TRUE(bytes(folder) == whole) << room;
  }
}

TEST_F(CodesStore, made_rows_have_no_sequences) {
  const ActivationStream waves(dataset_of(std::make_shared<WaveData>(70)), small_windows());
  NoSink events;
  build_codes(
      base_, *sae_, *normaliser_, waves, "k", events, [] {}, Pool::none, 35);
  const auto codes = open_codes(base_);
  EXPECT_EQ(codes->rows(), 70);
  EXPECT_TRUE(codes->sequences().empty());
  EXPECT_EQ(codes->letter_offset(), 0);
}

TEST_F(CodesStore, refuses_a_code_that_is_not_finite) {
  host_->spoil_letter = 5;
  const std::string text = refusal_of([&] { build(base_); });
  EXPECT_EQ(text.substr(0, 17), "encode: sequence ");
  EXPECT_NE(text.find(": a code is not finite"), std::string::npos) << text;
}

TEST_F(CodesStore, refuses_a_store_that_is_unfinished_or_damaged) {
  EXPECT_EQ(refusal_of([&] { open_codes(base_); }),
            base_.string() + ": not a finished codes store: it has no codes.json");
  build(base_);
  const auto after = [&](const fs::path& file, const std::string& content) {
    const std::string before = read_file(file);
    write_file(file, content);
    const std::string text = refusal_of([&] { open_codes(base_); });
    write_file(file, before);
    return text;
  };
  const std::string advice =
      "\nthe store is damaged: remove " + base_.string() + " to build it again";
  EXPECT_EQ(after(base_ / "sequences.jsonl", ""),
            (base_ / "sequences.jsonl").string() + ": lines: is 0, should be 40" + advice);
  const std::string part = read_file(base_ / "parts" / "00000.safetensors");
  const std::string cut =
      after(base_ / "parts" / "00001.safetensors", part.substr(0, part.size() - 9));
  EXPECT_EQ(cut.find((base_ / "parts" / "00001.safetensors").string() + ": "), 0u) << cut;
  EXPECT_NE(cut.find(advice), std::string::npos) << cut;
  Value record = parse_json(read_file(base_ / "codes.json"), "codes.json");
  const int64_t rows = record.integer("rows");
  record.set("rows", rows + 1);
  EXPECT_EQ(after(base_ / "codes.json", emit_json(record)),
            (base_ / "codes.json").string() + ": rows: is " + std::to_string(rows) +
                ", should be " + std::to_string(rows + 1) + advice);
  EXPECT_EQ(open_codes(base_)->rows(), rows);
}

}  // namespace
}  // namespace facet
