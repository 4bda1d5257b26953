// What esm2 promises beside its numbers: points, policies and their record, tokens.
#include <filesystem>

#include "host_adapters/spoiled.h"

namespace facet {
namespace {

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
  EXPECT_FALSE(info.causal);
  EXPECT_EQ(info.tokens[static_cast<size_t>(info.ids.begin)], "<cls>");
  EXPECT_EQ(info.tokens[static_cast<size_t>(info.ids.pad)], "<pad>");
  EXPECT_EQ(info.tokens[static_cast<size_t>(info.ids.mask)], "<mask>");
  EXPECT_EQ(info.ids.end, std::vector<int64_t>{2});
}

TEST(Esm2, records_every_policy_in_force) {
  EXPECT_EQ(emit_json(tiny()->info().switches),
            R"({"context":1022,"dtype":"f32","gelu":"erf","inv_freq":"computed","longer":"error",)"
            R"("masks":"token","positions":"rotary, from 0 at the first token",)"
            R"("queries":"scaled before the rotary embedding","random_weights":-1,)"
            R"("specials":"both","token_dropout":true,)"
            R"("unknown":"error"})");
  EXPECT_EQ(emit_json(tiny({{"context", 1024},
                            {"dtype", "bf16"},
                            {"inv_freq", "stored"},
                            {"longer", "compute"},
                            {"masks", "error"},
                            {"specials", "cls"},
                            {"token_dropout", "off"},
                            {"unknown", "unk"}})
                          ->info()
                          .switches),
            R"({"context":1024,"dtype":"bf16","gelu":"erf","inv_freq":"stored","longer":"compute",)"
            R"("masks":"error","positions":"rotary, from 0 at the first token",)"
            R"("queries":"scaled before the rotary embedding","random_weights":-1,)"
            R"("specials":"cls",)"
            R"("token_dropout":false,"unknown":"unk"})");
}

TEST(Esm2, takes_token_dropout_from_the_configuration_unless_told) {
  const Spoiled without;
  without.replace("config.json", "\"token_dropout\": true", "\"token_dropout\": false");
  EXPECT_FALSE(without.host()->info().switches.flag("token_dropout"));
  EXPECT_TRUE(without.host({{"token_dropout", "on"}})->info().switches.flag("token_dropout"));
}

TEST(Esm2, says_how_many_parameters_and_tokens_it_has) {
  EXPECT_EQ(tiny()->info().parameters, 256'502 - 21);  // golden.json, less the contact head
  EXPECT_EQ(tiny()->info().context, 1024);
  EXPECT_EQ(tiny({{"specials", "eos"}, {"context", 1024}})->info().context, 1025);
  EXPECT_EQ(tiny({{"longer", "compute"}})->info().context, 0);
}

TEST(Esm2, scales_embeddings_only_with_token_dropout) {
  const auto with = tiny(), without = tiny({{"token_dropout", "off"}});
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

TEST(Esm2, scales_by_the_share_of_masks_and_leaves_their_embeddings_out) {
  const auto with = tiny(), without = tiny({{"token_dropout", "off"}});
  const Tokens tokens = tokens_of(*with, {"M<mask>V", "MKV"});  // 1 of 5 tokens, none of 5
  const Tensor scaled = pass(*with, tokens, {"embeddings"}).rows.at("embeddings").x;
  const Tensor plain = pass(*without, tokens, {"embeddings"}).rows.at("embeddings").x;
  EXPECT_TRUE(near(scaled[1], plain[1] * (0.88 / 0.8), 0, 1e-6));
  EXPECT_EQ(scaled[2].abs().max().item<double>(), 0);
  EXPECT_GT(plain[2].abs().max().item<double>(), 0);
  EXPECT_TRUE(near(scaled[6], plain[6] * 0.88, 0, 1e-6));
}

TEST(Esm2, adds_the_specials_asked_for) {
  const std::vector<std::string> text = {"MK"};
  const auto tokens = [&](const char* specials) {
    return tiny({{"specials", specials}})->tokenize(text);
  };
  EXPECT_TRUE(torch::equal(tokens("both").id, torch::tensor({0, 20, 15, 2})));
  EXPECT_TRUE(torch::equal(tokens("cls").id, torch::tensor({0, 20, 15})));
  EXPECT_TRUE(torch::equal(tokens("eos").id, torch::tensor({20, 15, 2})));
  EXPECT_TRUE(torch::equal(tokens("none").id, torch::tensor({20, 15})));
  EXPECT_TRUE(torch::equal(tokens("eos").flag, torch::tensor({0, 0, 1}, torch::kUInt8)));
}

TEST(Esm2, makes_one_unknown_of_each_letter_outside_its_vocabulary_when_asked) {
  const std::vector<std::string> text = {"MJ*k"};
  EXPECT_TRUE(torch::equal(tiny({{"unknown", "unk"}})->tokenize(text).id,
                           torch::tensor({0, 20, 3, 3, 3, 2})));
}

TEST(Esm2, takes_1024_residues_when_asked_and_any_number_on_demand) {
  const std::vector<std::string> text = {std::string(1024, 'A')}, longer = {std::string(2000, 'A')};
  EXPECT_EQ(tiny({{"context", 1024}})->tokenize(text).id.size(0), 1026);
  const auto host = tiny({{"longer", "compute"}});
  const Tensor rows = pass(*host, host->tokenize(longer), {"layers.5"}).rows.at("layers.5").x;
  EXPECT_EQ(rows.sizes(), (std::vector<int64_t>{2002, 64}));
  EXPECT_TRUE(rows.isfinite().all().item<bool>());
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
