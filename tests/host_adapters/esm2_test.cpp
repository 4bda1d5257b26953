// What esm2 promises beside its numbers: points, switches, tokens, and the text of its refusals.
#include <facet/safetensors.h>

#include <filesystem>
#include <fstream>

#include "base/files.h"
#include "core/plugin/temporary_folder.h"
#include "expect_refusal.h"
#include "host_adapters/adapters.h"

namespace facet {
namespace {

/// In front of what a constructor refuses.
const std::string kId = "facet.host.esm2: ";

/// A copy of the tiny model that a test may spoil.
class Spoiled {
 public:
  Spoiled() {
    for (const char* file : {"config.json", "vocab.txt", "model.safetensors"})
      folder_.copy(kTiny + "/" + file);
  }
  std::string path(const std::string& file = "") const {
    return file.empty() ? folder_.path().string() : (folder_.path() / file).string();
  }
  void replace(const std::string& file, const std::string& old, const std::string& now) const {
    std::string text = read_file(path(file));
    const size_t at = text.find(old);
    ASSERT_NE(at, std::string::npos) << old;
    write_file(path(file), text.replace(at, old.size(), now));
  }
  /// Leaves out the tensors for which `now` gives none.
  template <class Change>
  void change_tensors(Change&& now) const {
    const Safetensors given(kTiny + "/model.safetensors");
    NamedTensors kept;
    for (const std::string& name : given.names())
      if (const Tensor tensor = now(name, given.tensor(name)); tensor.defined())
        kept.emplace_back(name, tensor);
    save_safetensors(path("model.safetensors"), kept);
  }
  std::unique_ptr<HostModel> host(Value::Table params = {}) const {
    params["weights"] = path();
    return make_host("esm2", params);
  }
  /// The refusal of a forward pass.
  std::string refusal(const Value::Table& params = {}, Want want = {.logits = true}) const {
    return refusal_of([&] {
      const auto model = host(params);
      pass(*model, tokens_of(*model, {"MKV"}), {}, want);
    });
  }

 private:
  TemporaryFolder folder_;
};

std::unique_ptr<HostModel> tiny(Value::Table params = {}) {
  params["weights"] = kTiny;
  return make_host("esm2", params);
}

TEST(Esm2, lists_its_points_and_aliases_from_the_configuration_alone) {
  const Spoiled spoiled;
  write_file(spoiled.path("model.safetensors"), "not read yet");
  const auto host = spoiled.host();
  const HostInfo& info = host->info();
  EXPECT_EQ(info.points.size(), 1 + 5 * 4 + 1);
  EXPECT_EQ(info.points[hookpoint_index(info, "layers.0")].name, "embeddings");
  EXPECT_EQ(info.points[hookpoint_index(info, "layers.4")].name, "blocks.3.out");
  EXPECT_EQ(info.points[hookpoint_index(info, "layers.5")].name, "final_norm.out");
  EXPECT_EQ(info.points[hookpoint_index(info, "blocks.4.out")].alias, "");
  EXPECT_EQ(info.d_model, 64);
  EXPECT_EQ(info.layers, 5);
  EXPECT_EQ(info.vocabulary, 33);
  EXPECT_EQ(info.tokens[32], "<mask>");
}

TEST(Esm2, records_every_policy_in_force) {
  EXPECT_EQ(
      emit_json(tiny()->info().switches),
      R"({"dtype":"float32","gelu":"erf","inv_freq":"computed","letter_case":"keep",)"
      R"("positions":"rotary, from 0 at <cls>","queries":"scaled before the rotary embedding",)"
      R"("specials":"<cls> first, <eos> last","token_dropout":true,"unknown":"error"})");
  EXPECT_FALSE(tiny({{"token_dropout", false}})->info().switches.flag("token_dropout"));
}

TEST(Esm2, scales_embeddings_only_with_token_dropout) {
  const auto with = tiny(), without = tiny({{"token_dropout", false}});
  const Tokens tokens = tokens_of(*with, {"MKV"});
  const Tensor scaled = pass(*with, tokens, {"embeddings"}).rows.at("embeddings").x;
  const Tensor plain = pass(*without, tokens, {"embeddings"}).rows.at("embeddings").x;
  EXPECT_TRUE(near(scaled, plain * 0.88, 0, 1e-6));
}

TEST(Esm2, tells_hooks_of_sequence_position_token_and_specials) {
  const auto host = tiny();
  const Rows rows =
      pass(*host, tokens_of(*host, {"MK", "V"}), {"embeddings"}).rows.at("embeddings");
  EXPECT_TRUE(torch::equal(rows.sequence, torch::tensor({0, 0, 0, 0, 1, 1, 1}, torch::kInt64)));
  EXPECT_TRUE(torch::equal(rows.position, torch::tensor({0, 1, 2, 3, 0, 1, 2}, torch::kInt32)));
  EXPECT_TRUE(torch::equal(rows.token, torch::tensor({0, 20, 15, 2, 0, 7, 2}, torch::kInt32)));
  EXPECT_TRUE(torch::equal(rows.flag, torch::tensor({1, 0, 0, 1, 1, 0, 1}, torch::kUInt8)));
}

TEST(Esm2, makes_letters_upper_case_or_unknown_when_asked) {
  const std::vector<std::string> text = {"mJ*k"};
  const auto ids = [&](const Value::Table& params) { return tiny(params)->tokenize(text).id; };
  EXPECT_TRUE(torch::equal(ids({{"unknown", "unk"}}), torch::tensor({0, 3, 3, 3, 3, 2})));
  EXPECT_TRUE(torch::equal(ids({{"unknown", "unk"}, {"letter_case", "upper"}}),
                           torch::tensor({0, 20, 3, 3, 15, 2})));
}

TEST(Esm2, refuses_letters_outside_its_vocabulary) {
  const auto refusal = [](const std::string& text) {
    return refusal_of([&] { tokens_of(*tiny(), {"MK", text}); });
  };
  const std::string advice = ": not in the vocabulary; set unknown = \"unk\" to take it as <unk>";
  EXPECT_EQ(refusal("MKJ"), "esm2: text 1: letter \"J\" at position 3" + advice);
  EXPECT_EQ(refusal("m"), "esm2: text 1: letter \"m\" at position 1" + advice);
  EXPECT_EQ(refusal("M K"), "esm2: text 1: letter 0x20 at position 2" + advice);
}

TEST(Esm2, refuses_a_folder_without_its_files) {
  const Spoiled spoiled;
  std::filesystem::remove(spoiled.path("vocab.txt"));
  std::filesystem::remove(spoiled.path("model.safetensors"));
  EXPECT_EQ(refusal_of([&] { spoiled.host(); }),
            kId + spoiled.path("vocab.txt") + ": no such file\n" + kId +
                spoiled.path("model.safetensors") + ": no such file");
}

TEST(Esm2, refuses_configurations_of_other_models_with_all_their_problems) {
  const Spoiled spoiled;
  spoiled.replace("config.json", "\"model_type\": \"esm\"", "\"model_type\": \"bert\"");
  spoiled.replace("config.json", "\"rotary\"", "\"absolute\"");
  spoiled.replace("config.json", "\"hidden_size\": 64", "\"hidden_size\": 66");
  spoiled.replace("config.json", "\"intermediate_size\": 256", "\"intermediate_size\": \"256\"");
  spoiled.replace("config.json", "\"num_hidden_layers\": 5,", "");
  const std::string config = kId + spoiled.path("config.json") + ": ";
  EXPECT_EQ(refusal_of([&] { spoiled.host(); }),
            config + "model_type: is \"bert\", should be \"esm\"\n" + config +
                "position_embedding_type: is \"absolute\", should be \"rotary\"\n" + config +
                "num_hidden_layers: required\n" + config +
                "intermediate_size: string \"256\", should be an integer of at least 1\n" + config +
                "hidden_size: is 66, should be divisible by twice num_attention_heads (4)");
}

TEST(Esm2, refuses_a_vocabulary_that_does_not_fit) {
  const Spoiled spoiled;
  spoiled.replace("vocab.txt", "<mask>", "");
  EXPECT_EQ(
      refusal_of([&] { spoiled.host(); }),
      kId + spoiled.path("vocab.txt") + ": has 32 tokens, config.json says 33 (vocab_size)\n" +
          kId + spoiled.path("vocab.txt") + ": has no token \"<mask>\"\n" + kId +
          spoiled.path("config.json") + ": mask_token_id: is 32, vocab.txt has \"<mask>\" at -1");
}

TEST(Esm2, refuses_weights_of_another_number_of_layers) {
  const Spoiled spoiled;
  spoiled.replace("config.json", "\"num_hidden_layers\": 5", "\"num_hidden_layers\": 4");
  EXPECT_EQ(spoiled.refusal(), spoiled.path("model.safetensors") +
                                   ": has 5 layers, config.json says 4 (num_hidden_layers)");
}

TEST(Esm2, refuses_tensors_that_are_missing_or_of_other_sizes) {
  const Spoiled spoiled;
  spoiled.change_tensors([](const std::string& name, const Tensor& tensor) {
    if (name == "esm.encoder.layer.0.attention.self.query.weight")
      return tensor.slice(0, 0, 32).contiguous();
    if (name == "esm.encoder.layer.2.LayerNorm.bias") return Tensor();
    return tensor;
  });
  const std::string file = spoiled.path("model.safetensors");
  EXPECT_EQ(spoiled.refusal(), file +
                                   ": esm.encoder.layer.0.attention.self.query.weight: [32, 64], "
                                   "config.json says [64, 64]\n" +
                                   file + ": esm.encoder.layer.2.LayerNorm.bias: missing");
}

TEST(Esm2, refuses_logits_without_a_head_and_stored_frequencies_that_are_not_there) {
  const Spoiled spoiled;
  spoiled.change_tensors([](const std::string& name, const Tensor& tensor) {
    return name.starts_with("lm_head") ||
                   name.ends_with("layer.1.attention.self.rotary_embeddings.inv_freq")
               ? Tensor()
               : tensor;
  });
  const std::string file = spoiled.path("model.safetensors");
  EXPECT_EQ(spoiled.refusal(), file + ": has no lm_head, so there are no logits");
  EXPECT_EQ(spoiled.refusal({}, {}), "(no refusal)");
  EXPECT_EQ(spoiled.refusal({{"inv_freq", "stored"}}),
            file + ": esm.encoder.layer.1.attention.self.rotary_embeddings.inv_freq: missing");
}

TEST(Esm2, refuses_attention_maps) {
  EXPECT_EQ(Spoiled().refusal({}, {.attention = true}),
            "esm2: attention maps are not offered by this host");
}

TEST(Esm2, reads_the_bundled_model) {
  const auto host =
      make_host("esm2", {{"weights", FACET_TEST_SOURCE "/experiments/models/esm2_mini"}});
  const Tokens tokens = tokens_of(
      *host, {"MQIFVKTLTGKTITLEVEPSDTIENVKAKIQDKEGIPPDQQRLIFAGKQLEDGRTLSDYNIQKESTLHLVLRLRGG"});
  const Seen seen = pass(*host, tokens, {"layers.3"}, {.logits = true});
  EXPECT_EQ(seen.rows.at("layers.3").x.sizes(), (std::vector<int64_t>{78, 128}));
  // It was trained to guess residues: what stands there is likelier than under the uniform
  // distribution.
  const Tensor likelihood = seen.logits.log_softmax(-1).gather(1, tokens.id.unsqueeze(1));
  EXPECT_GT(likelihood.mean().item<double>(), -3.0);
}

}  // namespace
}  // namespace facet
