// The toy host: weights from its seed, letters, refusals.
#include "expect_refusal.h"
#include "host_adapters/adapters.h"

namespace facet {
namespace {

Tensor logits_of(const Value::Table& params) {
  const auto host = make_host("toy", params);
  return pass(*host, tokens_of(*host, {"MKVLA", "AC"}), {}, {.logits = true}).logits;
}

TEST(Toy, draws_its_weights_from_its_seed) {
  EXPECT_TRUE(torch::equal(logits_of({}), logits_of({{"seed", 0}})));
  EXPECT_FALSE(torch::equal(logits_of({}), logits_of({{"seed", 1}})));
  EXPECT_EQ(make_host("toy", {{"seed", 1}})->info().weights_hash,
            "toy d=32 blocks=2 heads=4 seed=1");
  EXPECT_TRUE(logits_of({}).isfinite().all().item<bool>());
}

TEST(Toy, has_the_sizes_asked_for) {
  const auto host = make_host("toy", {{"d", 24}, {"blocks", 3}, {"heads", 2}});
  EXPECT_EQ(host->info().points.size(), 14);
  const Seen seen = pass(*host, tokens_of(*host, {"MK"}), {"layers.3"}, {.logits = true});
  EXPECT_EQ(seen.rows.at("layers.3").x.sizes(), (std::vector<int64_t>{4, 24}));
  EXPECT_EQ(seen.logits.sizes(), (std::vector<int64_t>{4, host->info().vocabulary}));
}

TEST(Toy, takes_no_text_and_empty_texts) {
  const auto host = make_host("toy", {});
  EXPECT_EQ(pass(*host, tokens_of(*host, {}), {"layers.2"}).rows.at("layers.2").x.size(0), 0);
  EXPECT_EQ(pass(*host, tokens_of(*host, {"", "M"}), {"layers.2"}).rows.at("layers.2").x.size(0),
            5);
}

TEST(Toy, refuses_what_it_cannot_be) {
  EXPECT_EQ(refusal_of([] {
              make_host("toy", {{"d", 20}});
            }),
            "host: d must be divisible by 2 * heads");
  EXPECT_EQ(refusal_of([] { tokens_of(*make_host("toy", {}), {"MK1"}); }),
            "toy: text 0: letter \"1\" at position 3: not in the vocabulary; set host.unknown = "
            "\"unk\" to take it as <unk>");
}

TEST(Toy, says_which_tokens_stand_around_a_text) {
  const auto host = make_host("toy", {});
  EXPECT_FALSE(host->info().causal);
  const Tokens tokens = tokens_of(*host, {"M"});
  EXPECT_EQ(tokens.id[0].item<int64_t>(), host->info().ids.begin);
  EXPECT_EQ((std::vector<int64_t>{tokens.id[2].item<int64_t>()}), host->info().ids.end);
}

TEST(Toy, gives_the_logits_of_the_last_tokens_when_asked) {
  const auto host = make_host("toy", {});
  const Tokens tokens = tokens_of(*host, {"MK", "A"});
  const Tensor all = host->forward(tokens, {}, {.logits = true}).value;
  const Tensor last = host->forward(tokens, {}, {.logits = true, .last = true}).value;
  EXPECT_TRUE(near(last, all.index_select(0, torch::tensor({3, 6})), 1e-5, 1e-5));
}

TEST(Toy, counts_its_parameters_from_its_sizes_alone) {
  // 32 tokens; a block is four products of d x d, two of d x 4d, their biases and two norms.
  const int64_t d = 32, block = 4 * (d * d + d) + (8 * d * d + 5 * d) + 4 * d;
  EXPECT_EQ(make_host("toy", {})->info().parameters, 32 * d + 2 * block + 2 * d);
}

}  // namespace
}  // namespace facet
