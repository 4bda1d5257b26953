// llama with SmolLM2-135M-Instruct against transformers, where its folder is at hand.
#include <facet/generate.h>
#include <facet/safetensors.h>

#include <cstdlib>
#include <fstream>

#include "host_adapters/adapters.h"

namespace facet {
namespace {

const std::string kSmolGolden = FACET_TEST_DATA "/smollm2";
// As tests/golden/smollm2/golden.json states them.
constexpr double kSmolHiddenOfMax = 1e-4, kSmolLogitsAbs = 5e-3, kSmolLossAbs = 1e-3;

class LlamaSmolLm2 : public ::testing::Test {
 protected:
  void SetUp() override {
    const char* folder = std::getenv("FACET_SMOLLM2");
    if (!folder)
      GTEST_SKIP() << "FACET_SMOLLM2 is not set: it should name the folder of "
                      "SmolLM2-135M-Instruct that scripts/fetch_smollm2 makes";
    host_ = make_host("llama", {{"weights", folder}});
    std::ifstream file(kSmolGolden + "/golden.json");
    said_ = parse_json(std::string(std::istreambuf_iterator<char>(file), {}), "golden.json");
  }

  std::string text(size_t prompt) const { return said_.array("prompts")[prompt].text("text"); }
  Tensor golden(size_t prompt, const std::string& name) const {
    return file_.tensor("prompt" + std::to_string(prompt) + "." + name);
  }

  std::unique_ptr<HostModel> host_;
  Value said_;
  Safetensors file_{kSmolGolden + "/golden.safetensors"};
};

/// Within a share of the largest number of each row.
::testing::AssertionResult near_of_max(const Tensor& is, const Tensor& should) {
  const Tensor allowed = should.abs().amax(-1, /*keepdim=*/true) * kSmolHiddenOfMax;
  return near(is / allowed, should / allowed, 1, 0);
}

TEST_F(LlamaSmolLm2, gives_hidden_states_and_losses) {
  const std::vector<std::string> points = {"layers.0", "layers.8", "layers.16", "layers.30",
                                           "blocks.29.out"};
  for (size_t i = 0; i < said_.array("prompts").size(); ++i) {
    const Tokens tokens = tokens_of(*host_, {text(i)});
    ASSERT_TRUE(torch::equal(tokens.id, golden(i, "input_ids"))) << i;
    const Seen seen = pass(*host_, tokens, points, {.logits = true});
    EXPECT_TRUE(
        near_of_max(seen.rows.at("layers.16").x[-1], golden(i, "hidden_states.16.last_position")))
        << i;
    const Tensor losses =
        -seen.logits.slice(0, 0, -1).log_softmax(-1).gather(1, tokens.id.slice(0, 1).unsqueeze(1));
    EXPECT_TRUE(near(losses.squeeze(1), golden(i, "token_nll"), kSmolLogitsAbs, 0)) << i;
    EXPECT_NEAR(losses.mean().item<double>(), said_.array("prompts")[i].number("mean_nll"),
                kSmolLossAbs);
    if (i != 0 && i != 7) continue;
    for (const std::string& point : points)
      EXPECT_TRUE(
          near_of_max(seen.rows.at(point).x.slice(0, 0, 4),
                      golden(i, point == "blocks.29.out" ? "block29_output"
                                                         : "hidden_states." + point.substr(7))))
          << i << " " << point;
  }
}

TEST_F(LlamaSmolLm2, gives_the_highest_logits_and_the_greedy_continuation) {
  const auto integers = [](const Value::Array& values) {
    std::vector<int64_t> out;
    for (const Value& value : values) out.push_back(*value.as<int64_t>());
    return out;
  };
  std::vector<std::string> texts;
  const auto& prompts = said_.array("prompts");
  for (size_t i = 0; i < prompts.size(); ++i) texts.push_back(text(i));
  const Tokens tokens = tokens_of(*host_, texts);
  const Tensor last = host_->forward(tokens, {}, {.logits = true, .last = true}).value;
  Rng rng(0, "test");
  const auto texts_on = generate(*host_, tokens, {}, {.max_tokens = 16, .past_end = true}, rng);
  for (size_t i = 0; i < prompts.size(); ++i) {
    const Tensor ids = torch::tensor(integers(prompts[i].array("top_ids")));
    std::vector<double> logits;
    for (const Value& value : prompts[i].array("top_logits")) logits.push_back(*value.as<double>());
    EXPECT_TRUE(near(last[static_cast<int64_t>(i)].index_select(0, ids).to(torch::kFloat64),
                     torch::tensor(logits, torch::kFloat64), kSmolLogitsAbs, 0))
        << i;
    EXPECT_EQ(texts_on[i], integers(prompts[i].array("greedy_16_ids"))) << i;
    EXPECT_EQ(host_->text(texts_on[i]), prompts[i].text("greedy_16_text")) << i;
  }
}

}  // namespace
}  // namespace facet
