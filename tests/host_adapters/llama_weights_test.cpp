// Weights of a Llama that are read when they are needed.
#include <set>

#include "host_adapters/adapters.h"
#include "llama/weights.h"

namespace facet {
namespace {

constexpr llama::Config small_config() {
  return {
      .d = 8, .blocks = 4, .heads = 2, .kv_heads = 1, .head_dim = 4, .mlp = 12, .vocabulary = 20};
}

/// A model of ones that writes down what is read of it.
layers::Checkpoint noted(std::vector<std::string>& read) {
  llama::Weights none;
  std::map<std::string, std::vector<int64_t>> sizes;
  for (const layers::Slot& slot : llama::slots(small_config(), none)) sizes[slot.name] = slot.sizes;
  layers::Checkpoint out;
  out.file = "noted";
  for (const auto& [name, size] : sizes) out.names.push_back(name);
  out.sizes = [sizes](const std::string& name) {
    const auto found = sizes.find(name);
    return found == sizes.end() ? std::nullopt : std::optional(found->second);
  };
  out.tensor = [sizes, &read](const std::string& name) {
    read.push_back(name);
    return torch::ones(sizes.at(name));
  };
  return out;
}

TEST(LlamaWeights, of_a_block_are_read_once_it_is_needed) {
  std::vector<std::string> read;
  llama::WeightsReader reader(small_config(), noted(read), {});
  EXPECT_EQ(read, (std::vector<std::string>{"model.embed_tokens.weight", "model.norm.weight",
                                            "lm_head.weight"}));
  reader.read_blocks(2);
  for (const std::string& name : read)
    EXPECT_FALSE(name.starts_with("model.layers.2") || name.starts_with("model.layers.3")) << name;
  EXPECT_EQ(read.size(), 3 + 2 * 9U);
  EXPECT_TRUE(reader.weights().blocks[1].mlp_norm.defined());
  EXPECT_FALSE(reader.weights().blocks[2].mlp_norm.defined());
  reader.read_blocks(1);
  reader.read_blocks(2);
  EXPECT_EQ(read.size(), 3 + 2 * 9U);
  reader.read_blocks(4);
  EXPECT_EQ(std::set<std::string>(read.begin(), read.end()).size(), read.size()) << "none twice";
  EXPECT_EQ(read.size(), 3 + 4 * 9U);
}

}  // namespace
}  // namespace facet
