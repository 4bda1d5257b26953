// ESM-2's blocks: packed weights as plain ones, whatever runs together.
#include "block.h"

#include "host_adapters/adapters.h"

namespace facet {
namespace {

// Length of a row's difference, relative to the row: the order of summation in float32.
constexpr double kRounding = 1e-5;
// Roundings to eight bits, as in Esm2Golden.
constexpr double kRoundingBf16 = 4e-2;
const std::vector<std::string> kFastPoints = {"blocks.0.attn.out", "blocks.2.mlp.out", "layers.6"};

std::string protein(int64_t length) {
  std::string out;
  for (int64_t i = 0; i < length; ++i)
    out += "ACDEFGHIKLMNPQRSTVWY"[static_cast<size_t>(i * i + i * length + length) % 20];
  return out;
}

std::unique_ptr<HostModel> mini_of(const char* dtype = "f32") {
  return make_host(
      "esm2", {{"weights", FACET_TEST_SOURCE "/experiments/models/esm2_mini"}, {"dtype", dtype}});
}

TEST(Block, gives_each_protein_of_a_mixed_batch_the_rows_it_has_alone) {
  const auto host = mini_of();
  std::vector<std::string> proteins;
  for (const int64_t length : {1, 700, 33, 33, 33, 1022, 2, 142, 143, 1}) {
    proteins.push_back(protein(length));
  }
  const Seen together = pass(*host, host->tokenize(proteins), kFastPoints, {.logits = true});
  const Tensor sequence = together.rows.at(kFastPoints[0]).sequence;
  for (size_t i = 0; i < proteins.size(); ++i) {
    const Seen alone = pass(*host, tokens_of(*host, {proteins[i]}), kFastPoints, {.logits = true});
    const Tensor mine = sequence == static_cast<int64_t>(i);
    for (const std::string& point : kFastPoints)
      EXPECT_LT(worst_row(together.rows.at(point).x.index({mine}), alone.rows.at(point).x),
                kRounding)
          << point << " of " << proteins[i].size();
    EXPECT_LT(worst_row(together.logits.index({mine}), alone.logits), kRounding);
  }
}

TEST(Block, gives_the_rows_of_the_plain_layers) {
  const auto host = mini_of();
  const Tokens tokens = host->tokenize(std::vector<std::string>{protein(300), protein(20)});
  const Seen fast = pass(*host, tokens, kFastPoints, {.logits = true});
  const Seen plain = pass(*host, tokens, kFastPoints, {.logits = true, .gradients = true});
  for (const std::string& point : kFastPoints)
    EXPECT_LT(worst_row(fast.rows.at(point).x, plain.rows.at(point).x), kRounding) << point;
  EXPECT_TRUE(plain.logits.requires_grad() || !fast.logits.requires_grad());
}

TEST(Block, gives_the_same_bits_on_any_number_of_threads) {
  for (const char* dtype : {"f32", "bf16"}) {
    const auto host = mini_of(dtype);
    for (const auto& lengths : {std::vector<int64_t>{127}, {255}, {271}, {520, 1, 520}}) {
      std::vector<std::string> proteins;
      for (const int64_t length : lengths) proteins.push_back(protein(length));
      expect_same_bits_on_threads(*host, proteins, "layers.6");
    }
  }
}

TEST(Block, stays_near_float32_in_bfloat16) {
  const Tokens tokens = mini_of()->tokenize(std::vector<std::string>{protein(400), protein(9)});
  const Seen wide = pass(*mini_of(), tokens, {"layers.6"});
  const Seen narrow = pass(*mini_of("bf16"), tokens, {"layers.6"});
  EXPECT_EQ(narrow.rows.at("layers.6").x.scalar_type(), torch::kBFloat16);
  EXPECT_LT(worst_row(narrow.rows.at("layers.6").x, wide.rows.at("layers.6").x), kRoundingBf16);
}

}  // namespace
}  // namespace facet
