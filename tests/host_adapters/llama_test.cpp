// What llama promises beside its numbers: points, policies and their record, tokens, forms of
// weights.
#include <filesystem>
#include <functional>

#include "host_adapters/spoiled.h"

namespace facet {
namespace {

const std::vector<std::string> kTwoTexts = {"Proteins are made of amino acids.", "Hello"};

std::unique_ptr<HostModel> small_llama(Value::Table params = {}) {
  params["weights"] = kTinyLlama;
  return make_host("llama", params);
}
// Length of a row's difference, relative to the row: the order of summation in float32.
constexpr double kOtherOrder = 1e-5;

Tensor logits_of(HostModel& host) {
  return host.forward(host.tokenize(kTwoTexts), {}, {.logits = true}).value;
}
Tensor plain_logits() { return logits_of(*small_llama()); }

TEST(Llama, says_what_it_is_from_the_configuration_alone) {
  const SpoiledLlama spoiled;
  write_file(spoiled.path("model.safetensors"), "not read yet");
  const auto host = spoiled.host();
  const HostInfo& info = host->info();
  EXPECT_TRUE(info.causal);
  EXPECT_EQ(info.ids.begin, 1024);
  EXPECT_EQ(info.ids.end, std::vector<int64_t>{1025});
  EXPECT_EQ(info.ids.pad, 1029);
  EXPECT_EQ(info.ids.mask, -1);
  EXPECT_EQ(info.points.size(), 1 + 5 * 4 + 1);
  EXPECT_EQ(info.points[hookpoint_index(info, "layers.5")].name, "final_norm.out");
  EXPECT_EQ(info.layers, 5);
  EXPECT_EQ(info.d_model, 64);
  EXPECT_EQ(info.vocabulary, 1030);
  EXPECT_EQ(info.context, 2048);
  EXPECT_EQ(info.tokens[1024], "<|begin_of_text|>");
  int64_t parameters = 0;
  for (const auto& [name, tensor] : tensors_of(kTinyLlama)) parameters += tensor.numel();
  EXPECT_EQ(info.parameters, parameters);
}

// A pass as it comes, one with gradients and one whose attention is watched give the same.
void expect_plain_rows(HostModel& host, const std::vector<std::string>& texts) {
  const Tokens tokens = host.tokenize(texts);
  const std::vector<std::string> points = {"blocks.0.attn.out", "blocks.2.mlp.out", "layers.5"};
  const Seen fast = pass(host, tokens, points, {.logits = true});
  const Seen plain = pass(host, tokens, points, {.logits = true, .gradients = true});
  const Seen watched = pass(host, tokens, points, {.logits = true, .attention = true});
  for (const std::string& point : points) {
    EXPECT_LT(worst_row(fast.rows.at(point).x, plain.rows.at(point).x), kOtherOrder) << point;
    EXPECT_LT(worst_row(watched.rows.at(point).x, plain.rows.at(point).x), kOtherOrder) << point;
  }
  EXPECT_LT(worst_row(fast.logits, plain.logits), kOtherOrder);
}

TEST(Llama, gives_the_rows_of_the_plain_layers) { expect_plain_rows(*small_llama(), kTwoTexts); }

TEST(Llama, gives_the_rows_of_the_plain_layers_to_pads_too) {
  const auto host = small_llama({{"pad", 24}, {"bos", "off"}});
  expect_plain_rows(*host, {kTwoTexts[0], "", kTwoTexts[1]});  // one of nothing but pads
}

TEST(Llama, gives_equal_bits_to_what_begins_alike) {
  std::vector<std::string> texts;
  for (const char* end : {"", " of", " made of amino acids.", " and so on, and so on, and on", "!"})
    texts.push_back(std::string("Proteins are chains") + end);
  for (const int64_t pad : {0, 32}) {
    const auto host = small_llama({{"pad", pad}});
    std::vector<std::string> points;
    for (const HookPoint& point : host->info().points) points.push_back(point.name);
    const Seen seen = pass(*host, host->tokenize(texts), points, {.logits = true});
    const int64_t alike = tokens_of(*host, {"Proteins are"}).id.ne(1029).sum().item<int64_t>() - 1;
    ASSERT_GT(alike, 3);
    const Tensor sequence = seen.rows.at(points[0]).sequence;
    for (const std::string& point : points) {
      const Tensor& x = seen.rows.at(point).x;
      const Tensor first = x.index({sequence == 0}).slice(0, 0, alike);
      for (int64_t i = 1; i < 5; ++i)
        EXPECT_TRUE(torch::equal(x.index({sequence == i}).slice(0, 0, alike), first))
            << point << ", text " << i << ", pad " << pad;
    }
  }
}

TEST(Llama, gives_the_same_bits_on_any_number_of_threads) {
  for (const char* dtype : {"f32", "bf16"}) {
    const auto host = small_llama({{"dtype", dtype}});
    for (const auto& lengths : {std::vector<size_t>{100}, {300}, {600, 20, 700}}) {
      std::vector<std::string> texts;
      for (const size_t length : lengths) {
        std::string text;
        while (text.size() < length) text += kTwoTexts[text.size() % 2] + " ";
        texts.push_back(text);
      }
      expect_same_bits_on_threads(*host, texts, "layers.5");
    }
  }
}

TEST(Llama, records_every_policy_in_force) {
  EXPECT_EQ(emit_json(small_llama()->info().switches),
            R"({"bos":true,"context":2048,"dtype":"f32","longer":"error","pad":0,)"
            R"("positions":"rotary, from 0 at the first token","random_weights":-1,)"
            R"("rope":"llama3"})");
  EXPECT_EQ(emit_json(small_llama({{"bos", "off"},
                                   {"context", 64},
                                   {"dtype", "bf16"},
                                   {"longer", "truncate"},
                                   {"pad", 32},
                                   {"random_weights", 7}})
                          ->info()
                          .switches),
            R"({"bos":false,"context":64,"dtype":"bf16","longer":"truncate","pad":32,)"
            R"("positions":"rotary, from 0 at the first token","random_weights":7,)"
            R"("rope":"llama3"})");
}

TEST(Llama, flags_what_it_puts_around_a_text) {
  const auto flags = [](const Value::Table& params) {
    const Tensor flag = small_llama(params)->tokenize(std::vector<std::string>{"Hello"}).flag;
    return std::vector<uint8_t>(flag.const_data_ptr<uint8_t>(),
                                flag.const_data_ptr<uint8_t>() + flag.numel());
  };
  EXPECT_EQ(flags({}), (std::vector<uint8_t>{kSpecial, 0, 0, 0, 0}));
  EXPECT_EQ(flags({{"bos", "off"}}), (std::vector<uint8_t>{0, 0, 0, 0}));
  EXPECT_EQ(flags({{"pad", 7}}), (std::vector<uint8_t>{kSpecial, 0, 0, 0, 0, kPad, kPad}));
  EXPECT_EQ(flags({{"pad", 3}}), (std::vector<uint8_t>{kSpecial, 0, 0, 0, 0}));
  EXPECT_EQ(flags({{"context", 3}, {"longer", "truncate"}}),
            (std::vector<uint8_t>{kSpecial, 0, 0}));
}

TEST(Llama, spells_its_tokens_exactly) {
  const auto host = small_llama();
  for (const std::string text : {"naïve café — 東京 🧬", "  two  spaces\tand a tab \n"}) {
    const Tensor id = host->tokenize(std::vector<std::string>{text}).id;
    EXPECT_EQ(host->text({id.const_data_ptr<int64_t>(), static_cast<size_t>(id.numel())}),
              "<|begin_of_text|>" + text);
  }
}

TEST(Llama, reads_both_styles_of_configuration_alike) {
  const SpoiledLlama newer;
  std::filesystem::copy_file(kTinyLlama + "/config_transformers5.json", newer.path("config.json"),
                             std::filesystem::copy_options::overwrite_existing);
  EXPECT_TRUE(torch::equal(logits_of(*newer.host()), plain_logits()));
}

Tensor logits_with_scaling(const std::string& type, const std::string& factor) {
  const SpoiledLlama spoiled;
  spoiled.replace("config.json", "\"llama3\"", "\"" + type + "\"");
  spoiled.replace("config.json", "\"factor\": 32.0", "\"factor\": " + factor);
  EXPECT_EQ(spoiled.host()->info().switches.text("rope"), type);
  return logits_of(*spoiled.host());
}

TEST(Llama, stretches_positions_as_the_configuration_says) {
  const Tensor plain = logits_with_scaling("default", "32.0");
  EXPECT_GT((logits_with_scaling("linear", "32.0") - plain).abs().max().item<double>(), 0.1);
  EXPECT_TRUE(torch::equal(logits_with_scaling("linear", "1"), plain));
}

TEST(Llama, takes_weights_in_shards) {
  const SpoiledLlama sharded;
  std::filesystem::remove(sharded.path("model.safetensors"));
  NamedTensors shards[2];
  Value::Table map;
  for (const auto& [name, tensor] : tensors_of(kTinyLlama)) {
    const size_t shard = name.find("layers.3") == std::string::npos ? 0 : 1;
    shards[shard].emplace_back(name, tensor);
    map[name] = std::to_string(shard) + ".safetensors";
  }
  for (const size_t i : {0, 1})
    save_safetensors(sharded.path(std::to_string(i) + ".safetensors"), shards[i]);
  write_file(sharded.path("model.safetensors.index.json"),
             emit_json(Value(Value::Table{{"weight_map", map}})));
  EXPECT_TRUE(torch::equal(logits_of(*sharded.host()), plain_logits()));
}

TEST(Llama, takes_the_weights_of_the_body_alone) {
  const SpoiledLlama body;
  NamedTensors bare;
  for (const auto& [name, tensor] : tensors_of(kTinyLlama))
    bare.emplace_back(name.substr(std::string("model.").size()), tensor);
  body.save(bare);
  EXPECT_TRUE(torch::equal(logits_of(*body.host()), plain_logits()));
}

Tensor logits_of_changed(const std::function<Tensor(const Tensor&)>& change) {
  const SpoiledLlama spoiled;
  spoiled.change_tensors([&](const std::string&, const Tensor& tensor) { return change(tensor); });
  return logits_of(*spoiled.host());
}

TEST(Llama, takes_weights_in_any_of_the_three_dtypes) {
  for (const auto dtype : {torch::kBFloat16, torch::kHalf})
    EXPECT_TRUE(torch::equal(
        logits_of_changed([&](const Tensor& t) { return t.to(dtype); }),
        logits_of_changed([&](const Tensor& t) { return t.to(dtype).to(torch::kFloat32); })));
}

TEST(Llama, takes_a_head_of_its_own) {
  const SpoiledLlama untied;
  untied.replace("config.json", "\"tie_word_embeddings\": true", "\"tie_word_embeddings\": false");
  NamedTensors tensors = tensors_of(kTinyLlama);
  for (const auto& [name, tensor] : tensors_of(kTinyLlama))
    if (name == "model.embed_tokens.weight") tensors.emplace_back("lm_head.weight", tensor * 2);
  untied.save(tensors);
  EXPECT_TRUE(near(logits_of(*untied.host()), plain_logits() * 2, 1e-4, 1e-5));
  EXPECT_EQ(untied.host()->info().parameters, small_llama()->info().parameters + 1030 * 64);
}

TEST(Llama, draws_weights_anew_from_a_seed) {
  const auto drawn = [](int64_t seed) {
    return logits_of(*small_llama({{"random_weights", seed}}));
  };
  EXPECT_TRUE(torch::equal(drawn(1), drawn(1)));
  EXPECT_FALSE(torch::equal(drawn(1), drawn(2)));
  EXPECT_FALSE(torch::allclose(drawn(1), plain_logits()));
  EXPECT_TRUE(drawn(1).isfinite().all().item<bool>());
}

TEST(Llama, offers_what_turns_rows_into_logits) {
  const auto host = small_llama();
  const Tokens tokens = host->tokenize(kTwoTexts);
  const Seen seen = pass(*host, tokens, {"blocks.4.out"}, {.logits = true});
  const Unembedding last = *host->unembedding();
  EXPECT_FALSE(last.centred);
  const Tensor& x = seen.rows.at("blocks.4.out").x;
  const Tensor norm = x * (x.square().mean(-1, true) + last.eps).rsqrt() * last.gain;
  EXPECT_TRUE(near(torch::matmul(norm, last.weight.t()), seen.logits, 1e-4, 1e-5));
}

TEST(Llama, attends_to_no_token_that_comes_after_nor_to_pads) {
  const auto host = small_llama({{"pad", 10}});
  const Tokens tokens = host->tokenize(std::vector<std::string>{"Hello"});  // five and five pads
  const Seen seen = pass(*host, tokens, {"layers.5"}, {.logits = true, .attention = true});
  const Tensor& map = seen.attention[0];  // [layers, heads, 10, 10]
  EXPECT_EQ(map.sizes(), (std::vector<int64_t>{5, 8, 10, 10}));
  EXPECT_EQ(map.triu(1).abs().max().item<double>(), 0);
  EXPECT_EQ(map.slice(3, 5).abs().max().item<double>(), 0);
  EXPECT_TRUE(near(map.sum(-1), torch::ones({5, 8, 10}), 1e-5, 0));
  const Seen fast = pass(*host, tokens, {"layers.5"}, {.logits = true});
  EXPECT_LT(worst_row(seen.rows.at("layers.5").x, fast.rows.at("layers.5").x), 1e-5);
}

TEST(Llama, computes_pads_from_the_tokens_before_them) {
  // The first pad stands where the next token of the text would: it sees the same.
  const auto padded = small_llama({{"pad", 6}}), plain = small_llama();
  const Tensor of_pad = pass(*padded, tokens_of(*padded, {"Hello"}), {"blocks.0.attn.out"})
                            .rows.at("blocks.0.attn.out")
                            .x[5];
  Tokens tokens = tokens_of(*plain, {"Hello"});
  const auto next = [&](uint8_t flag) {
    const Tokens one = {torch::cat({tokens.id, torch::tensor({int64_t{1029}})}),
                        torch::tensor({0, 6}, torch::kInt64), tokens.sequence,
                        torch::cat({tokens.flag, torch::tensor({flag}, torch::kUInt8)})};
    return pass(*plain, one, {"blocks.0.attn.out"}).rows.at("blocks.0.attn.out").x[5];
  };
  EXPECT_TRUE(torch::equal(next(kPad), of_pad));
  EXPECT_FALSE(torch::allclose(next(kContent), of_pad));  // that sees itself
}

}  // namespace
}  // namespace facet
