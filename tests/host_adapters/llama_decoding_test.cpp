// Generation with llama: what is cached gives what the whole gives, and what is drawn.
#include <facet/generate.h>

#include "expect_refusal.h"
#include "host_adapters/adapters.h"

namespace facet {
namespace {

const std::vector<std::string> kPrompts = {"In the beginning God created",
                                           "Proteins are made of amino acids.", "Hello"};
// Passes of other lengths sum up in another order, in float32.
constexpr double kSameLogits = 1e-3, kSameRow = 1e-4;

std::unique_ptr<HostModel> tiny_decoder(Value::Table params = {}) {
  params["weights"] = kTinyLlama;
  return make_host("llama", params);
}

/// Tokens from[i] .. from[i] + more[i] - 1 of each sequence.
Tokens part_of(const Tokens& tokens, const std::vector<int64_t>& from,
               const std::vector<int64_t>& more) {
  std::vector<Tensor> ids, flags;
  std::vector<int64_t> start = {0};
  for (size_t i = 0; i < from.size(); ++i) {
    const int64_t begin = tokens.start[static_cast<int64_t>(i)].item<int64_t>() + from[i];
    ids.push_back(tokens.id.slice(0, begin, begin + more[i]));
    flags.push_back(tokens.flag.slice(0, begin, begin + more[i]));
    start.push_back(start.back() + more[i]);
  }
  return {torch::cat(ids), torch::tensor(start), tokens.sequence, torch::cat(flags)};
}

TEST(LlamaDecoding, in_any_parts_gives_the_rows_and_logits_of_the_whole) {
  const auto host = tiny_decoder();
  const Tokens tokens = tokens_of(*host, kPrompts);
  const Seen whole = pass(*host, tokens, {"blocks.3.mlp.out"}, {.logits = true});
  const auto decoding = host->decoding();
  EXPECT_TRUE(decoding->lengths().empty());
  std::vector<int64_t> seen(3, 0);
  // Several tokens, one, and none; of the second and the third sequence all.
  for (const std::vector<int64_t>& more :
       {std::vector<int64_t>{4, 1, 0}, {1, 9, 0}, {0, 1, 5}, {3, 6, 0}}) {
    const Tokens part = part_of(tokens, seen, more);
    Rows rows;
    const std::vector<Hook> hooks = {
        {"blocks.3.mlp.out", [&](const Rows& given) { return rows = given, given.x; }}};
    const Tensor logits = host->forward(part, hooks, {.logits = true}, decoding.get()).value;
    for (int64_t i = 0; i < 3; ++i) {
      const auto at = static_cast<size_t>(i);
      const int64_t begin = part.start[i].item<int64_t>(), end = part.start[i + 1].item<int64_t>();
      const int64_t there = tokens.start[i].item<int64_t>() + seen[at];
      const auto same = [&](const Tensor& is, const Tensor& should, double tolerance) {
        return near(is.slice(0, begin, end), should.slice(0, there, there + more[at]), tolerance,
                    tolerance);
      };
      if (begin == end) continue;
      EXPECT_TRUE(same(logits, whole.logits, kSameLogits));
      EXPECT_TRUE(same(rows.x, whole.rows.at("blocks.3.mlp.out").x, kSameRow));
      EXPECT_EQ(rows.position[begin].item<int32_t>(), seen[at]);
      seen[at] += more[at];
    }
    EXPECT_EQ(decoding->lengths(), seen);
  }
  EXPECT_EQ(seen, (std::vector<int64_t>{8, 17, 5}));
}

TEST(LlamaDecoding, gives_the_logits_of_the_last_tokens_when_asked) {
  const auto host = tiny_decoder();
  const Tokens tokens = tokens_of(*host, kPrompts);
  const Tensor all = host->forward(tokens, {}, {.logits = true}).value;
  const Tensor last = host->forward(tokens, {}, {.logits = true, .last = true}).value;
  EXPECT_TRUE(near(last, all.index_select(0, tokens.start.slice(0, 1) - 1), 1e-4, 1e-5));
}

TEST(LlamaDecoding, keeps_what_earlier_blocks_need_when_only_an_early_hookpoint_is_read) {
  const auto host = tiny_decoder();
  const Tokens tokens = tokens_of(*host, {kPrompts[0]});
  const auto decoding = host->decoding();
  const std::vector<Hook> early = {{"embeddings", [](const Rows& rows) { return rows.x; }}};
  const Logits none = host->forward(part_of(tokens, {0}, {11}), early, {}, decoding.get());
  EXPECT_FALSE(none.value.defined());
  const Tensor logits =
      host->forward(part_of(tokens, {11}, {1}), {}, {.logits = true}, decoding.get()).value;
  const Tensor whole = host->forward(tokens, {}, {.logits = true, .last = true}).value;
  EXPECT_TRUE(near(logits, whole, kSameLogits, 0));
}

/// The most likely tokens, each by a pass over all before it.
std::vector<int64_t> greedy_by_whole_passes(HostModel& host, const std::string& prompt,
                                            int64_t count) {
  Tokens tokens = tokens_of(host, {prompt});
  std::vector<int64_t> out;
  for (int64_t i = 0; i < count; ++i) {
    const Tensor logits = host.forward(tokens, {}, {.logits = true, .last = true}).value;
    out.push_back(logits.argmax().item<int64_t>());
    tokens.id = torch::cat({tokens.id, torch::tensor({out.back()})});
    tokens.flag = torch::cat({tokens.flag, torch::zeros({1}, torch::kUInt8)});
    tokens.start = torch::tensor({int64_t{0}, tokens.id.numel()});
  }
  return out;
}

TEST(LlamaDecoding, generates_the_tokens_of_passes_over_the_whole) {
  const auto host = tiny_decoder();
  const GenerateParams params = {.max_tokens = 20, .past_end = true};
  Rng rng(0, "test");
  const auto together = generate(*host, tokens_of(*host, kPrompts), {}, params, rng);
  for (size_t i = 0; i < kPrompts.size(); ++i)
    EXPECT_EQ(together[i], greedy_by_whole_passes(*host, kPrompts[i], 20)) << i;
}

TEST(LlamaDecoding, draws_the_same_tokens_from_the_same_seed) {
  const auto host = tiny_decoder();
  const auto drawn = [&](uint64_t seed, double top_p) {
    const GenerateParams params = {.max_tokens = 12, .temperature = 8, .top_p = top_p};
    Rng rng(seed, "test");
    return generate(*host, tokens_of(*host, kPrompts), {}, params, rng);
  };
  EXPECT_EQ(drawn(1, 1), drawn(1, 1));
  EXPECT_NE(drawn(1, 1), drawn(2, 1));
  const GenerateParams greedy = {.max_tokens = 12};
  Rng rng(0, "test");
  EXPECT_EQ(drawn(1, 1e-6), generate(*host, tokens_of(*host, kPrompts), {}, greedy, rng));
}

TEST(LlamaDecoding, lets_hooks_change_what_is_generated) {
  const auto host = tiny_decoder();
  const Tokens tokens = tokens_of(*host, kPrompts);
  std::vector<int64_t> rows;
  std::vector<uint8_t> flags;
  const std::vector<Hook> hooks = {{"blocks.2.out", [&](const Rows& given) {
                                      rows.push_back(given.size());
                                      flags.push_back(given.flag.max().item<uint8_t>());
                                      return given.x * -1;
                                    }}};
  const GenerateParams params = {.max_tokens = 4, .past_end = true};
  Rng rng(0, "test");
  const auto changed = generate(*host, tokens, hooks, params, rng);
  EXPECT_EQ(rows, (std::vector<int64_t>{34, 3, 3, 3}));
  EXPECT_EQ(flags, (std::vector<uint8_t>{kSpecial | kPrompt, 0, 0, 0}));
  EXPECT_NE(changed, generate(*host, tokens, {}, params, rng));
}

TEST(LlamaDecoding, refuses_prompts_beyond_the_context_pads_and_hosts_that_cannot) {
  const auto refused = [](HostModel& host, const std::string& prompt) {
    return refusal_of([&] {
      Rng rng(0, "test");
      generate(host, tokens_of(host, {prompt}), {}, {.max_tokens = 8}, rng);
    });
  };
  EXPECT_EQ(refused(*tiny_decoder({{"context", 12}}), "Hello"),
            "generate: a prompt of 5 tokens and 8 new ones exceed the context of llama (12)");
  EXPECT_EQ(refused(*tiny_decoder({{"pad", 16}}), "Hello"),
            "llama: host.pad is 16, should be 0 to generate text");
  EXPECT_EQ(refused(*make_host("toy", {}), "HELLO"), "generate: toy cannot generate text");
}

}  // namespace
}  // namespace facet
