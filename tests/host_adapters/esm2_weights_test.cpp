// The forms in which esm2 takes its weights: whole or in shards, with or without a head, old names.
#include <filesystem>

#include "host_adapters/spoiled.h"

namespace facet {
namespace {

Seen seen_of(HostModel& host, Want want = {.logits = true}) {
  return pass(host, tokens_of(host, {"MKVLAAGIC"}), {"layers.5"}, want);
}
Seen whole(Want want = {.logits = true}) {
  return seen_of(*make_host("esm2", {{"weights", kTiny}}), want);
}

TEST(Esm2Weights, come_whole_or_in_shards) {
  const Spoiled sharded;
  std::filesystem::remove(sharded.path("model.safetensors"));
  NamedTensors shards[2];
  Value::Table map;
  for (const auto& [name, tensor] : tiny_tensors()) {
    const size_t shard = name.find("layer.3") == std::string::npos ? 0 : 1;
    shards[shard].emplace_back(name, tensor);
    map[name] = shard == 0 ? "1-of-2.safetensors" : "2-of-2.safetensors";
  }
  save_safetensors(sharded.path("1-of-2.safetensors"), shards[0]);
  save_safetensors(sharded.path("2-of-2.safetensors"), shards[1]);
  write_file(sharded.path("model.safetensors.index.json"),
             emit_json(Value(Value::Table{{"weight_map", map}})));
  const Want want = {.logits = true, .contacts = true};
  const Seen here = seen_of(*sharded.host(), want), there = whole(want);
  EXPECT_TRUE(torch::equal(here.logits, there.logits));
  EXPECT_TRUE(torch::equal(here.contacts[0], there.contacts[0]));
}

TEST(Esm2Weights, are_drawn_anew_from_a_seed_with_the_moments_of_the_trained_ones) {
  const auto drawn = [](int64_t seed) {
    return seen_of(*make_host("esm2", {{"weights", kTiny}, {"random_weights", seed}}));
  };
  const Seen first = drawn(1);
  EXPECT_TRUE(torch::equal(first.logits, drawn(1).logits));
  EXPECT_FALSE(torch::equal(first.logits, drawn(2).logits));
  EXPECT_FALSE(torch::allclose(first.logits, whole().logits));
  EXPECT_TRUE(first.logits.isfinite().all().item<bool>());
  const auto embeddings = [](int64_t seed) {
    const auto host = make_host("esm2", {{"weights", kTiny}, {"random_weights", seed}});
    return pass(*host, tokens_of(*host, {"ACDEFGHIKLMNPQRSTVWY"}), {"embeddings"})
        .rows.at("embeddings")
        .x;
  };
  const Tensor trained = embeddings(-1), anew = embeddings(3);  // 22 rows of 64
  EXPECT_NEAR(anew.std().item<double>(), trained.std().item<double>(),
              0.1 * trained.std().item<double>());
}

TEST(Esm2Weights, may_have_the_older_names_gamma_and_beta) {
  const Spoiled older;
  NamedTensors renamed = tiny_tensors();
  for (auto& [name, tensor] : renamed)
    for (const auto& [now, once] :
         {std::pair("Norm.weight", "Norm.gamma"), std::pair("Norm.bias", "Norm.beta")})
      if (name.ends_with(now)) name = name.substr(0, name.rfind("Norm.")) + once;
  older.save(renamed);
  EXPECT_TRUE(torch::equal(seen_of(*older.host()).logits, whole().logits));
}

TEST(Esm2Weights, may_be_the_body_alone) {
  const Spoiled body;
  NamedTensors kept;
  for (const auto& [name, tensor] : tiny_tensors())
    if (name.starts_with("esm.") && !name.starts_with("esm.contact_head"))
      kept.emplace_back(name.substr(4), tensor);
  body.save(kept);
  EXPECT_TRUE(torch::equal(seen_of(*body.host(), {}).rows.at("layers.5").x,
                           whole({}).rows.at("layers.5").x));
}

TEST(Esm2Weights, may_be_stored_in_bfloat16) {
  const auto logits_with = [](const auto& change) {
    const Spoiled spoiled;
    spoiled.change_tensors(change);
    return seen_of(*spoiled.host()).logits;
  };
  const auto half = [](const std::string&, const Tensor& t) { return t.to(torch::kBFloat16); };
  const auto rounded = [&](const std::string& name, const Tensor& t) {
    return half(name, t).to(torch::kFloat32);
  };
  EXPECT_TRUE(torch::equal(logits_with(half), logits_with(rounded)));
}

TEST(Esm2Weights, have_a_decoder_of_their_own_when_the_configuration_does_not_tie_it) {
  const Spoiled untied;
  untied.replace("config.json", "\"vocab_size\"", "\"tie_word_embeddings\": false, \"vocab_size\"");
  NamedTensors tensors = tiny_tensors();
  Tensor embedding, bias;
  for (const auto& [name, tensor] : tensors) {
    if (name == "esm.embeddings.word_embeddings.weight") embedding = tensor;
    if (name == "lm_head.bias") bias = tensor;
  }
  tensors.emplace_back("lm_head.decoder.weight", embedding * 2);
  untied.save(tensors);
  const auto host = untied.host();
  EXPECT_TRUE(near(seen_of(*host).logits - bias, (whole().logits - bias) * 2, 1e-5, 1e-5));
  EXPECT_EQ(host->info().parameters,
            make_host("esm2", {{"weights", kTiny}})->info().parameters + 33 * 64);
}

}  // namespace
}  // namespace facet
