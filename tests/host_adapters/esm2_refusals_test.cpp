// What esm2 refuses, and in which words.
#include <filesystem>

#include "host_adapters/spoiled.h"

namespace facet {
namespace {

/// In front of what a constructor refuses.
const std::string kId = "facet.host.esm2: ";

std::string refusal_of_text(const std::string& text, Value::Table params = {}) {
  params["weights"] = kTiny;
  return refusal_of([&] { tokens_of(*make_host("esm2", params), {"MK", text}); });
}

TEST(Esm2Refusals, name_letters_outside_the_vocabulary) {
  const std::string advice = "host.unknown = \"unk\" to take it as <unk>";
  EXPECT_EQ(refusal_of_text("MKJ"),
            "esm2: text 1: letter \"J\" at position 3: not in the vocabulary; set " + advice);
  EXPECT_EQ(refusal_of_text("m"),
            "esm2: text 1: letter \"m\" at position 1: not in the vocabulary; set data.case = "
            "\"upper\" to read letters as upper case, or " +
                advice);
  EXPECT_EQ(refusal_of_text("M K"),
            "esm2: text 1: letter 0x20 at position 2: not in the vocabulary; set " + advice);
}

TEST(Esm2Refusals, name_tokens_that_a_text_may_not_spell_out) {
  EXPECT_EQ(refusal_of_text("MK<pad>"),
            "esm2: text 1: token \"<pad>\" at position 3: padding is never computed, should be "
            "left out");
  EXPECT_EQ(refusal_of_text("M<mask>", {{"masks", "error"}}),
            "esm2: text 1: token \"<mask>\" at position 2: not taken, host.masks is \"error\"");
  EXPECT_EQ(refusal_of_text("M<mask>"), "(no refusal)");
}

TEST(Esm2Refusals, name_the_context_and_what_would_help) {
  const std::string advice =
      "; set data.max_length to cut them, or host.longer = \"compute\" to go beyond training";
  EXPECT_EQ(refusal_of_text(std::string(1022, 'A')), "(no refusal)");
  EXPECT_EQ(refusal_of_text(std::string(1023, 'A')),
            "esm2: text 1: 1023 letters exceed the context of 1022" + advice);
  EXPECT_EQ(refusal_of_text("MKV", {{"context", 2}}),
            "esm2: text 1: 3 letters exceed the context of 2" + advice);
  EXPECT_EQ(refusal_of_text("<mask>V", {{"context", 2}}), "(no refusal)");
}

TEST(Esm2Refusals, name_the_files_that_a_folder_lacks) {
  const Spoiled spoiled;
  std::filesystem::remove(spoiled.path("vocab.txt"));
  std::filesystem::remove(spoiled.path("model.safetensors"));
  const std::string vocab = kId + spoiled.path("vocab.txt") + ": no such file\n";
  const std::string weights =
      kId + spoiled.path("model.safetensors") + ": no such file, nor model.safetensors.index.json";
  EXPECT_EQ(spoiled.refusal(), vocab + weights);
  write_file(spoiled.path("pytorch_model.bin"), "pickled");
  EXPECT_EQ(spoiled.refusal(),
            vocab + weights + "; pytorch_model.bin is not read, save it as safetensors");
}

TEST(Esm2Refusals, name_what_makes_a_configuration_that_of_bert) {
  const Spoiled spoiled;
  write_file(spoiled.path("config.json"),
             R"({"architectures": ["BertForMaskedLM"], "attention_probs_dropout_prob": 0.1,)"
             R"("hidden_act": "gelu", "hidden_size": 768, "intermediate_size": 3072,)"
             R"("layer_norm_eps": 1e-12, "max_position_embeddings": 512, "model_type": "bert",)"
             R"("num_attention_heads": 12, "num_hidden_layers": 12, "pad_token_id": 0,)"
             R"("type_vocab_size": 2, "vocab_size": 30522})");
  const std::string config = kId + spoiled.path("config.json") + ": ";
  EXPECT_EQ(spoiled.refusal(), config + "model_type: is \"bert\", should be \"esm\"\n" + config +
                                   "position_embedding_type: required, should be \"rotary\"\n" +
                                   config + "vocab_size: is 30522, should be 33\n" + config +
                                   "pad_token_id: is 0, should be 1");
}

TEST(Esm2Refusals, name_what_makes_a_configuration_that_of_esm_1b) {
  const Spoiled spoiled;  // transformers saves ESM-1b as model_type "esm" too
  spoiled.replace("config.json", "\"rotary\"", "\"absolute\"");
  spoiled.replace("config.json", "\"emb_layer_norm_before\": false",
                  "\"emb_layer_norm_before\": true");
  const std::string config = kId + spoiled.path("config.json") + ": ";
  EXPECT_EQ(spoiled.refusal(),
            config + "position_embedding_type: is \"absolute\", should be \"rotary\"\n" + config +
                "emb_layer_norm_before: is true, should be false");
}

TEST(Esm2Refusals, name_every_key_that_is_wrong) {
  const Spoiled spoiled;
  spoiled.replace("config.json", "\"hidden_size\": 64", "\"hidden_size\": 66");
  spoiled.replace("config.json", "\"intermediate_size\": 256", "\"intermediate_size\": \"256\"");
  spoiled.replace("config.json", "\"num_hidden_layers\": 5,", "");
  spoiled.replace("config.json", "\"is_folding_model\": false", "\"is_folding_model\": true");
  spoiled.replace("config.json", "\"token_dropout\": true", "\"token_dropout\": 1");
  const std::string config = kId + spoiled.path("config.json") + ": ";
  EXPECT_EQ(spoiled.refusal(),
            config + "is_folding_model: is true, should be false\n" + config +
                "num_hidden_layers: required\n" + config +
                "intermediate_size: string \"256\", should be an integer of at least 1\n" + config +
                "token_dropout: integer 1, should be true or false\n" + config +
                "hidden_size: is 66, should be divisible by twice num_attention_heads (4)");
}

TEST(Esm2Refusals, name_a_vocabulary_that_is_not_esm_2s) {
  const Spoiled shorter;
  shorter.replace("vocab.txt", "<mask>", "");
  EXPECT_EQ(shorter.refusal(),
            kId + shorter.path("vocab.txt") + ": has 32 tokens, should have ESM-2's 33");
}

TEST(Esm2Refusals, name_the_first_token_that_stands_elsewhere) {
  const Spoiled other;
  other.replace("vocab.txt", "L\nA\n", "A\nL\n");
  EXPECT_EQ(other.refusal(), kId + other.path("vocab.txt") + ":5: is \"A\", should be \"L\"");
}

TEST(Esm2Refusals, name_a_configuration_of_another_vocabulary) {
  const Spoiled more;
  more.replace("config.json", "\"vocab_size\": 33", "\"vocab_size\": 64");
  more.replace("config.json", "\"mask_token_id\": 32", "\"mask_token_id\": 4");
  more.replace("vocab.txt", "<null_1>\n<mask>", "<mask>\n<null_1>\n<extra>");
  const std::string config = kId + more.path("config.json") + ": ";
  const std::string vocab = kId + more.path("vocab.txt") + ":";
  EXPECT_EQ(more.refusal(), config + "vocab_size: is 64, should be 33\n" + config +
                                "mask_token_id: is 4, should be 32\n" + vocab +
                                " has 34 tokens, should have ESM-2's 33\n" + vocab +
                                "32: is \"<mask>\", should be \"<null_1>\"");
}

TEST(Esm2Refusals, name_weights_of_another_number_of_layers) {
  const Spoiled spoiled;
  spoiled.replace("config.json", "\"num_hidden_layers\": 5", "\"num_hidden_layers\": 4");
  EXPECT_EQ(spoiled.refusal_of_pass(), spoiled.path("model.safetensors") +
                                           ": has 5 layers, should have 4 "
                                           "(num_hidden_layers)");
}

TEST(Esm2Refusals, name_tensors_that_are_missing_or_of_other_sizes) {
  const Spoiled spoiled;
  spoiled.change_tensors([](const std::string& name, const Tensor& tensor) {
    if (name == "esm.encoder.layer.0.attention.self.query.weight")
      return tensor.slice(0, 0, 32).contiguous();
    if (name == "esm.encoder.layer.2.LayerNorm.bias" || name == "lm_head.layer_norm.bias")
      return Tensor();
    return tensor;
  });
  const std::string file = spoiled.path("model.safetensors") + ": ";
  EXPECT_EQ(spoiled.refusal_of_pass(),
            file +
                "esm.encoder.layer.0.attention.self.query.weight: is [32, 64], should be "
                "[64, 64] by the configuration\n" +
                file + "esm.encoder.layer.2.LayerNorm.bias: missing\n" + file +
                "lm_head.layer_norm.bias: missing");
}

TEST(Esm2Refusals, name_a_decoder_that_should_be_the_embeddings) {
  const Spoiled spoiled;
  NamedTensors tensors = tiny_tensors();
  tensors.emplace_back("lm_head.decoder.weight", torch::ones({33, 64}));
  spoiled.save(tensors);
  EXPECT_EQ(spoiled.refusal_of_pass(),
            spoiled.path("model.safetensors") +
                ": lm_head.decoder.weight: differs from the embeddings, should equal them "
                "(config.json: tie_word_embeddings)");
}

TEST(Esm2Refusals, name_a_head_and_frequencies_that_are_not_there_when_they_are_needed) {
  const Spoiled spoiled;
  spoiled.change_tensors([](const std::string& name, const Tensor& tensor) {
    return name.starts_with("lm_head") ||
                   name.ends_with("layer.1.attention.self.rotary_embeddings.inv_freq")
               ? Tensor()
               : tensor;
  });
  const std::string file = spoiled.path("model.safetensors");
  EXPECT_EQ(spoiled.refusal_of_pass(), file + ": has no lm_head, so there are no logits");
  EXPECT_EQ(spoiled.refusal_of_pass({}, {}), "(no refusal)");
  EXPECT_EQ(spoiled.refusal_of_pass({{"inv_freq", "stored"}}),
            file + ": esm.encoder.layer.1.attention.self.rotary_embeddings.inv_freq: missing");
}

TEST(Esm2Refusals, name_the_index_of_shards_that_lack_a_tensor) {
  const Spoiled spoiled;
  std::filesystem::rename(spoiled.path("model.safetensors"), spoiled.path("1.safetensors"));
  write_file(spoiled.path("model.safetensors.index.json"),
             R"({"weight_map": {"esm.encoder.layer.4.LayerNorm.bias": "1.safetensors"}})");
  const std::string said = spoiled.refusal_of_pass();
  EXPECT_EQ(said.substr(0, said.find('\n')),
            spoiled.path("model.safetensors.index.json") +
                ": esm.embeddings.word_embeddings.weight: missing");
}

}  // namespace
}  // namespace facet
