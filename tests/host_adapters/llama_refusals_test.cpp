// What llama refuses, and in which words.
#include <filesystem>

#include "host_adapters/spoiled.h"

namespace facet {
namespace {

/// In front of what a constructor refuses.
const std::string kLlamaId = "facet.host.llama: ";

TEST(LlamaRefusals, name_the_files_that_a_folder_lacks) {
  const SpoiledLlama spoiled;
  for (const char* file : {"config.json", "tokenizer.json", "model.safetensors"})
    std::filesystem::remove(spoiled.path(file));
  EXPECT_EQ(spoiled.refusal(), kLlamaId + spoiled.path("config.json") + ": no such file\n" +
                                   kLlamaId + spoiled.path("tokenizer.json") + ": no such file\n" +
                                   kLlamaId + spoiled.path("model.safetensors") +
                                   ": no such file, nor model.safetensors.index.json");
}

TEST(LlamaRefusals, name_what_makes_a_configuration_another_one) {
  const SpoiledLlama spoiled;
  spoiled.replace("config.json", "\"LlamaForCausalLM\"", "\"MistralForCausalLM\"");
  spoiled.replace("config.json", "\"llama\"", "\"mistral\"");
  spoiled.replace("config.json", "\"silu\"", "\"gelu\"");
  spoiled.replace("config.json", "\"attention_bias\": false", "\"attention_bias\": true");
  const std::string config = kLlamaId + spoiled.path("config.json") + ": ";
  EXPECT_EQ(spoiled.refusal(),
            config + "model_type: is \"mistral\", should be \"llama\"\n" + config +
                "architectures[0]: is \"MistralForCausalLM\", should be \"LlamaForCausalLM\" or "
                "\"LlamaModel\"\n" +
                config + "hidden_act: is \"gelu\", should be \"silu\"\n" + config +
                "attention_bias: is true, should be false");
}

TEST(LlamaRefusals, name_numbers_that_are_absurd) {
  const SpoiledLlama spoiled;
  spoiled.replace("config.json", "\"num_hidden_layers\": 5", "\"num_hidden_layers\": 1000000000");
  spoiled.replace("config.json", "\"num_attention_heads\": 8", "\"num_attention_heads\": 0");
  spoiled.replace("config.json", "\"vocab_size\": 1030", "\"vocab_size\": \"1030\"");
  spoiled.replace("config.json", "\"rms_norm_eps\": 1e-05", "\"rms_norm_eps\": -1");
  const std::string config = kLlamaId + spoiled.path("config.json") + ": ";
  EXPECT_EQ(
      spoiled.refusal(),
      config + "num_hidden_layers: integer 1000000000, should be an integer from 1 to 1024\n" +
          config + "num_attention_heads: integer 0, should be an integer from 1 to 1048576\n" +
          config + "vocab_size: string \"1030\", should be an integer from 1 to 16777216\n" +
          config + "rms_norm_eps: integer -1, should be a number above 0");
}

TEST(LlamaRefusals, name_sizes_that_do_not_fit_each_other) {
  const SpoiledLlama spoiled;
  spoiled.replace("config.json", "\"head_dim\": 16,", "");
  spoiled.replace("config.json", "\"hidden_size\": 64", "\"hidden_size\": 60");
  spoiled.replace("config.json", "\"num_key_value_heads\": 2", "\"num_key_value_heads\": 3");
  spoiled.replace("config.json", "\"eos_token_id\": 1025", "\"eos_token_id\": [1025, 1030]");
  const std::string config = kLlamaId + spoiled.path("config.json") + ": ";
  EXPECT_EQ(spoiled.refusal(),
            config +
                "hidden_size: is 60, should be divisible by num_attention_heads (8), as there "
                "is no head_dim\n" +
                config +
                "num_attention_heads: is 8, should be divisible by num_key_value_heads "
                "(3)\n" +
                config + "head_dim: is 7, should be even\n" + config +
                "eos_token_id[1]: is 1030, should be below vocab_size (1030)");
}

TEST(LlamaRefusals, name_a_kind_of_rotary_embedding_that_is_not_known) {
  const SpoiledLlama spoiled;
  spoiled.replace("config.json", "\"llama3\"", "\"yarn\"");
  EXPECT_EQ(spoiled.refusal(), kLlamaId + spoiled.path("config.json") +
                                   ": rope_scaling.rope_type: is \"yarn\", should be one of "
                                   "default, linear, llama3");
}

TEST(LlamaRefusals, name_weights_that_are_quantised) {
  const SpoiledLlama spoiled;
  spoiled.replace("config.json", "\"use_cache\"", "\"quantization_config\": {}, \"use_cache\"");
  EXPECT_EQ(spoiled.refusal(), kLlamaId + spoiled.path("config.json") +
                                   ": quantization_config: is there, should not: weights in f32, "
                                   "f16 or bf16");
}

TEST(LlamaRefusals, name_rotary_numbers_that_make_no_sense) {
  const SpoiledLlama spoiled;
  spoiled.replace("config.json", "\"high_freq_factor\": 4.0", "\"high_freq_factor\": 1.0");
  spoiled.replace("config.json", "\"factor\": 32.0", "\"factor\": 0");
  spoiled.replace("config.json", "\"use_cache\"", "\"partial_rotary_factor\": 2, \"use_cache\"");
  const std::string config = kLlamaId + spoiled.path("config.json") + ": ";
  EXPECT_EQ(spoiled.refusal(),
            config + "partial_rotary_factor: integer 2, should be 1\n" + config +
                "rope_scaling.high_freq_factor: number 1.0, should be above low_freq_factor\n" +
                config + "rope_scaling.factor: integer 0, should be a number above 0");
}

TEST(LlamaRefusals, name_a_configuration_that_is_no_table) {
  const SpoiledLlama spoiled;
  write_file(spoiled.path("config.json"), "[1]");
  EXPECT_EQ(spoiled.refusal(),
            kLlamaId + spoiled.path("config.json") + ": list of 1, should be a table");
}

TEST(LlamaRefusals, name_tensors_that_are_missing_or_of_other_sizes) {
  const SpoiledLlama spoiled;
  spoiled.change_tensors([](const std::string& name, const Tensor& tensor) {
    if (name == "model.layers.1.self_attn.k_proj.weight") return tensor.slice(0, 0, 16).clone();
    return name == "model.norm.weight" ? Tensor() : tensor;
  });
  const std::string file = spoiled.path("model.safetensors") + ": ";
  EXPECT_EQ(spoiled.refusal_of_pass(), file +
                                           "model.layers.1.self_attn.k_proj.weight: is [16, 64], "
                                           "should be [32, 64] by the configuration\n" +
                                           file + "model.norm.weight: missing");
}

TEST(LlamaRefusals, name_weights_of_another_number_of_layers) {
  const SpoiledLlama spoiled;
  spoiled.replace("config.json", "\"num_hidden_layers\": 5", "\"num_hidden_layers\": 6");
  EXPECT_EQ(spoiled.refusal_of_pass(), spoiled.path("model.safetensors") +
                                           ": has 5 layers, should have 6 (num_hidden_layers)");
}

TEST(LlamaRefusals, name_a_head_that_should_be_the_embeddings) {
  const SpoiledLlama spoiled;
  NamedTensors tensors = tensors_of(kTinyLlama);
  tensors.emplace_back("lm_head.weight", torch::ones({1030, 64}));
  spoiled.save(tensors);
  EXPECT_EQ(spoiled.refusal_of_pass(), spoiled.path("model.safetensors") +
                                           ": lm_head.weight: differs from the embeddings, should "
                                           "equal them (tie_word_embeddings)");
}

TEST(LlamaRefusals, name_a_file_that_is_cut_or_claims_a_huge_header) {
  const SpoiledLlama cut;
  std::string bytes = read_file(cut.path("model.safetensors"));
  write_file(cut.path("model.safetensors"), bytes.substr(0, bytes.size() - 100));
  EXPECT_TRUE(cut.refusal_of_pass().starts_with(cut.path("model.safetensors") + ": "))
      << cut.refusal_of_pass();
  bytes[7] = '\x7f';
  write_file(cut.path("model.safetensors"), bytes);
  EXPECT_TRUE(cut.refusal_of_pass().starts_with(cut.path("model.safetensors") + ": header"))
      << cut.refusal_of_pass();
}

TEST(LlamaRefusals, name_the_shards_that_are_missing) {
  const SpoiledLlama spoiled;
  std::filesystem::remove(spoiled.path("model.safetensors"));
  write_file(spoiled.path("model.safetensors.index.json"),
             R"({"weight_map": {"model.norm.weight": "2.safetensors"}})");
  EXPECT_EQ(spoiled.refusal_of_pass().find(spoiled.path("model.safetensors.index.json")), 0U)
      << spoiled.refusal_of_pass();
}

TEST(LlamaRefusals, name_a_tokenizer_of_more_tokens_than_the_model) {
  const SpoiledLlama spoiled;
  spoiled.replace("config.json", "\"vocab_size\": 1030", "\"vocab_size\": 1026");
  EXPECT_EQ(spoiled.refusal(), kLlamaId + spoiled.path() +
                                   ": the tokenizer has 1030 tokens, should have at most "
                                   "vocab_size (1026)");
}

TEST(LlamaRefusals, name_the_context_and_what_would_help) {
  const auto refusal = [](const Value::Table& more) {
    Value::Table params = more;
    params["weights"] = kTinyLlama;
    return refusal_of([&] { tokens_of(*make_host("llama", params), {"Hello", "Hello Hello"}); });
  };
  EXPECT_EQ(refusal({{"context", 5}}),
            "llama: text 1: 9 tokens exceed the context of 5; set host.longer = \"truncate\" to "
            "cut it there, or data.max_length");
  EXPECT_EQ(refusal({{"context", 5}, {"longer", "truncate"}}), "(no refusal)");
  EXPECT_EQ(refusal({{"pad", 4096}}),
            kLlamaId + "llama: host.pad is 4096, should be at most the context (2048)");
}

TEST(LlamaRefusals, name_a_token_in_front_that_the_model_does_not_have) {
  const SpoiledLlama spoiled;
  spoiled.replace("config.json", "\"bos_token_id\": 1024,", "");
  const std::string text = read_file(spoiled.path("tokenizer.json"));
  Value json = parse_json(text, "tokenizer.json");
  json.set("post_processor", Value());
  write_file(spoiled.path("tokenizer.json"), emit_json(json));
  EXPECT_EQ(refusal_of([&] {
              spoiled.host({{"bos", "on"}});
            }),
            kLlamaId + "llama: host.bos is \"on\", but config.json names no bos_token_id");
}

TEST(LlamaRefusals, name_specials_that_the_model_does_not_have) {
  const SpoiledLlama spoiled;
  spoiled.replace("config.json", "\"bos_token_id\": 1024,", "");
  spoiled.replace("config.json", "\"eos_token_id\": 1025,", "");
  write_file(spoiled.path("special_tokens_map.json"), "{}");
  write_file(spoiled.path("tokenizer_config.json"), "{}");
  EXPECT_EQ(refusal_of([&] {
              spoiled.host({{"pad", 8}});
            }),
            kLlamaId +
                "llama: host.pad is 8, but the model names neither a pad token nor one that "
                "ends a text");
  EXPECT_EQ(refusal_of([&] {
              pass(*spoiled.host(), tokens_of(*spoiled.host(), {"Hello"}), {}, {.contacts = true});
            }),
            "llama: contacts are not offered by this host");
}

}  // namespace
}  // namespace facet
