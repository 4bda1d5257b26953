// Weights of an ESM-2 that are read when they are needed, and kept once.
#include <set>

#include "esm2/weights.h"
#include "host_adapters/spoiled.h"

namespace facet {
namespace {

/// The tiny model; writes down what is read of it.
struct NotedEsm2 {
  esm2::Config config = esm2::read_config(kTiny);
  std::vector<std::string> read;

  esm2::WeightsReader reader() {
    layers::Checkpoint noted = esm2::open_checkpoint(config);
    noted.tensor = [this, tensor = noted.tensor](const std::string& name) {
      read.push_back(name);
      return tensor(name);
    };
    return {config, noted, esm2::Frequencies::computed, {}};
  }
  bool has_read(const std::string& part) const {
    for (const std::string& name : read)
      if (name.find(part) != std::string::npos) return true;
    return false;
  }
};

TEST(Esm2Reader, reads_a_block_and_the_head_once_they_are_needed) {
  NotedEsm2 model;
  esm2::WeightsReader reader = model.reader();
  EXPECT_FALSE(model.has_read("encoder.layer.") || model.has_read("lm_head"))
      << "outside of blocks";
  reader.read_blocks(2);
  EXPECT_TRUE(model.has_read("encoder.layer.1."));
  EXPECT_FALSE(model.has_read("encoder.layer.2."));
  EXPECT_FALSE(reader.weights().blocks[2].mlp_norm.weight.defined());
  reader.read_blocks(5);
  EXPECT_TRUE(reader.weights().blocks[4].mlp_norm.weight.defined());
  EXPECT_FALSE(model.has_read("lm_head"));
  reader.read_blocks(6);
  EXPECT_TRUE(model.has_read("lm_head.dense.weight"));
  EXPECT_EQ(std::set(model.read.begin(), model.read.end()).size(), model.read.size()) << "twice";
}

TEST(Esm2Reader, is_asked_for_the_blocks_that_a_pass_goes_through) {
  const auto host = make_host("esm2", {{"weights", kTiny}});
  const auto blocks = [&](const std::vector<std::string>& points, Want want = {}) {
    std::vector<Hook> hooks;
    for (const std::string& point : points) hooks.push_back({point, {}});
    return layers::blocks_for(host->info(), hooks, want);
  };
  EXPECT_EQ(blocks({}), 0);
  EXPECT_EQ(blocks({"embeddings"}), 0);
  EXPECT_EQ(blocks({"blocks.2.mlp.out", "blocks.0.in"}), 3);
  EXPECT_EQ(blocks({"final_norm.out"}), 5);
  EXPECT_EQ(blocks({}, {.logits = true}), 5);
  EXPECT_EQ(blocks({}, {.contacts = true}), 5);
}

TEST(Esm2Reader, keeps_packed_weights_in_place_of_plain_ones) {
  NotedEsm2 model;
  esm2::WeightsReader reader = model.reader();
  reader.read_blocks(6);
  layers::Block block = reader.weights().blocks[0];
  const Tensor before = block.up.plain_weight();
  if (block.up.packed()) EXPECT_FALSE(before.is_same(block.up.plain_weight())) << "made anew";
  reader.keep_plain(6);
  block = reader.weights().blocks[0];
  EXPECT_TRUE(block.up.plain_weight().is_same(block.up.plain_weight()));
  EXPECT_TRUE(torch::equal(block.up.plain_weight(), before));
}

TEST(Esm2Reader, gives_the_same_rows_before_and_after_a_pass_with_gradients) {
  const auto host = make_host("esm2", {{"weights", kTiny}});
  const Tokens tokens = tokens_of(*host, {"MKVLAAGIC", "ACDEF"});
  const Seen before = pass(*host, tokens, {"layers.5"}, {.logits = true});
  const Seen with = pass(*host, tokens, {"layers.5"}, {.logits = true, .gradients = true});
  const Seen after = pass(*host, tokens, {"layers.5"}, {.logits = true});
  EXPECT_TRUE(torch::equal(before.rows.at("layers.5").x, after.rows.at("layers.5").x));
  EXPECT_TRUE(torch::equal(before.logits, after.logits));
  EXPECT_LT(worst_row(with.logits.detach(), before.logits), 1e-5) << "the order of sums";
}

}  // namespace
}  // namespace facet
