// llama against transformers: hidden states, logits and losses, for single sequences and batches.
#include <facet/safetensors.h>

#include <fstream>

#include "host_adapters/adapters.h"
#include "llama/rope.h"

namespace facet {
namespace {

// As tests/golden/llama_tiny/golden.json states them.
constexpr double kLlamaHiddenAbs = 2e-4, kLlamaHiddenRel = 1e-4, kLlamaLogitsAbs = 1e-3,
                 kLlamaLossAbs = 1e-4;
// Seven roundings to eight bits in each of five blocks, 2^-8 sqrt(35) = 2.3e-2, and half as much
// again; of a row's length and of a row of logits, on average over the rows.
constexpr double kLlamaBfloat16 = 3.5e-2;
const std::vector<std::string> kLlamaLayers = {"layers.0", "layers.1", "layers.2",
                                               "layers.3", "layers.4", "layers.5"};

const Safetensors& llama_golden() {
  static const Safetensors file(kTinyLlama + "/golden.safetensors");
  return file;
}
Value llama_cases() {
  std::ifstream file(kTinyLlama + "/golden.json");
  return parse_json(std::string(std::istreambuf_iterator<char>(file), {}), "golden.json")
      .at("cases");
}

std::unique_ptr<HostModel> tiny_llama(Value::Table params = {}) {
  params["weights"] = kTinyLlama;
  return make_host("llama", params);
}

std::vector<std::string> texts_of(const std::string& name) {
  std::vector<std::string> out;
  const Value cases = llama_cases();
  for (const Value& text : cases.at(name).array("text")) out.push_back(*text.as<std::string>());
  return out;
}
Tensor golden_of(const std::string& name, size_t sequence, const std::string& tensor) {
  return llama_golden().tensor(name + "." + std::to_string(sequence) + "." + tensor);
}

/// Natural logarithm, mean over the tokens after the first.
double mean_loss(const Tensor& logits, const Tensor& ids) {
  const Tensor next = ids.slice(0, 1).unsqueeze(1);
  return -logits.slice(0, 0, -1).log_softmax(-1).gather(1, next).mean().item<double>();
}

void expect_llama_golden(HostModel& host, const std::string& name) {
  const Tokens tokens = tokens_of(host, texts_of(name));
  std::vector<std::string> points = kLlamaLayers;
  points.push_back("blocks.4.out");
  const Seen seen = pass(host, tokens, points, {.logits = true});
  for (int64_t i = 0; i < tokens.sequences(); ++i) {
    const auto sequence = static_cast<size_t>(i);
    const Tensor positions = golden_of(name, sequence, "positions");
    const int64_t begin = tokens.start[i].item<int64_t>();
    const Tensor ids = golden_of(name, sequence, "input_ids");
    const int64_t n = ids.numel();  // without pads
    ASSERT_TRUE(torch::equal(tokens.id.slice(0, begin, begin + n), ids)) << name << i;
    const auto near_rows = [&](const std::string& point, const std::string& tensor) {
      return near(seen.rows.at(point).x.index_select(0, positions + begin),
                  golden_of(name, sequence, tensor), kLlamaHiddenAbs, kLlamaHiddenRel);
    };
    for (size_t k = 0; k < kLlamaLayers.size(); ++k)
      EXPECT_TRUE(near_rows(kLlamaLayers[k], "hidden_states." + std::to_string(k)))
          << name << i << " " << k;
    EXPECT_TRUE(near_rows("blocks.4.out", "last_block_output")) << name << i;
    const Tensor logits = seen.logits.slice(0, begin, begin + n);
    EXPECT_TRUE(near(logits.index_select(0, golden_of(name, sequence, "logit_positions")),
                     golden_of(name, sequence, "logits"), kLlamaLogitsAbs, 0))
        << name << i;
    const Value loss = llama_cases().at(name).array("mean_nll")[sequence];
    EXPECT_NEAR(mean_loss(logits, ids), *loss.as<double>(), kLlamaLossAbs) << name << i;
  }
}

TEST(LlamaGolden, gives_hidden_states_logits_and_losses_of_batches) {
  const auto host = tiny_llama();
  for (const char* name : {"a", "b", "long"}) expect_llama_golden(*host, name);
}

TEST(LlamaGolden, gives_the_same_of_batches_that_are_padded_on_the_right) {
  const Value cases = llama_cases();
  for (const auto& [name, one] : *cases.as<Value::Table>())
    expect_llama_golden(*tiny_llama({{"pad", one.integer("padded_to")}}), name);
}

TEST(LlamaGolden, has_the_frequencies_of_llama3_scaling) {
  llama::Rope rope = {.theta = 500000, .scaling = llama::Scaling::llama3, .factor = 32};
  rope.original = 64;
  EXPECT_TRUE(near(llama::frequencies(rope, 16), llama_golden().tensor("inv_freq"), 0, 1e-6));
}

double mean_row(const Tensor& is, const Tensor& should) {
  return rows_apart(is, should).mean().item<double>();
}

TEST(LlamaGolden, stays_near_in_bfloat16_and_half) {
  const auto wide = tiny_llama();
  const Tokens tokens = tokens_of(*wide, texts_of("a"));
  const Seen should = pass(*wide, tokens, kLlamaLayers, {.logits = true});
  for (const char* dtype : {"bf16", "f16"}) {
    const Seen is = pass(*tiny_llama({{"dtype", dtype}}), tokens, kLlamaLayers, {.logits = true});
    for (const std::string& layer : kLlamaLayers)
      EXPECT_LT(mean_row(is.rows.at(layer).x, should.rows.at(layer).x), kLlamaBfloat16)
          << dtype << " " << layer;
    EXPECT_EQ(is.logits.scalar_type(), torch::kFloat32);
    EXPECT_LT(mean_row(is.logits, should.logits), kLlamaBfloat16) << dtype;
  }
}

}  // namespace
}  // namespace facet
