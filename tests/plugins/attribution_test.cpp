// The analyses logit_attribution and attribution on small hosts, and what they refuse.
#include <gtest/gtest.h>

#include "activations/normalisers.h"
#include "expect_refusal.h"
#include "plugins/fake_context.h"
#include "plugins/intervene_case.h"

namespace facet {
namespace {

// An untrained SAE in a host of d = 32 or 64.
struct Attributed {
  Attributed(const std::string& type, const Value::Table& params, const std::string& point)
      : host(make_host(type, params)), normaliser(2.0) {
    const int64_t width = host->info().d_model;
    sae = sae_of(Value::Table{{"type", "topk"}, {"d_sae", 16}, {"k", 4}}, {1, 1, width, width});
    context.living = host.get();
    context.trained = sae.get();
    context.normalising = &normaliser;
    context.spliced_at.points = {point};
  }
  Report run(const std::string& analysis, Value::Table params) {
    return run_analysis(analysis, params, context);
  }

  std::unique_ptr<HostModel> host;
  std::unique_ptr<Sae> sae;
  ScalingNormaliser normaliser;
  FakeContext context;
};

Attributed toy_at(const std::string& point) { return Attributed("toy", {}, point); }

Value::Array words(std::initializer_list<const char*> of) {
  Value::Array out;
  for (const char* one : of) out.emplace_back(one);
  return out;
}

Value::Table two_proteins() { return {{"prompts", words({"MKVLA", "ACDEF"})}}; }

double sum_of(const Table& table, size_t row, std::initializer_list<const char*> columns) {
  double sum = 0;
  for (size_t i = 0; i < table.columns().size(); ++i)
    for (const char* column : columns)
      if (table.columns()[i].name == column) sum += *table.rows().at(row)[i].as<double>();
  return sum;
}

}  // namespace

TEST(LogitAttribution, parts_add_up_to_the_logit_of_a_host_whose_norm_centres) {
  for (const char* point : {"embeddings", "blocks.0.out", "blocks.1.mlp.out", "blocks.1.out"}) {
    Attributed at = toy_at(point);
    Value::Table params = two_proteins();
    params["watch"] = words({"M", "K"});
    params["position"] = 2;
    const Report report = at.run("logit_attribution", params);
    EXPECT_LT(number(report, "logit_gap"), 1e-4) << point;
    const Table& parts = at.context.tables.at("logit_parts.tsv");
    ASSERT_EQ(parts.rows().size(), 4u);
    for (size_t row = 0; row < 4; ++row)
      EXPECT_NEAR(sum_of(parts, row, {"latents", "error", "bias", "later_blocks"}),
                  sum_of(parts, row, {"logit"}), 1e-4);
    EXPECT_EQ(at.context.tables.at("logit_latents.tsv").rows().size(), 2u * 4 * 2);
  }
}

TEST(LogitAttribution, takes_a_transcoder_by_what_it_writes) {
  for (const bool minus_input : {false, true}) {
    Attributed at = toy_at("blocks.0.out");
    at.sae = sae_of(Value::Table{{"type", "topk"}, {"d_sae", 16}, {"k", 4}},
                    {1, 1, 32, 32, /*transcodes=*/true});
    at.context.trained = at.sae.get();
    const auto both = make_normaliser(architectures(), "layer_norm", "none", 1, "x");
    at.context.normalising = both.get();
    at.context.spliced_at = {{"blocks.0.out"}, {"blocks.1.mlp.out"}, minus_input};
    Value::Table params = two_proteins();
    params["watch"] = words({"M"});
    EXPECT_LT(number(at.run("logit_attribution", params), "logit_gap"), 1e-4);
    params = two_proteins();
    params["answer"] = "M";
    params["other"] = "K";
    params["position"] = 2;
    EXPECT_GT(number(at.run("attribution", params), "correlation_attrib"), 0.9);
  }
}

TEST(LogitAttribution, nothing_comes_after_the_last_block) {
  Attributed at = toy_at("blocks.1.out");
  Value::Table params = two_proteins();
  params["watch"] = words({"M"});
  EXPECT_NEAR(number(at.run("logit_attribution", params), "logit_of_later_blocks"), 0, 1e-9);
}

TEST(LogitAttribution, reads_the_words_of_the_latents_that_are_named) {
  Attributed at = toy_at("blocks.1.out");
  Value::Table params = two_proteins();
  params["watch"] = words({"M"});
  params["latents"] = Value::Array{Value(3)};
  params["top"] = 2;
  {
    const torch::NoGradGuard no_gradients;
    at.sae->decoder(0)[3].copy_(at.host->unembedding()->weight[5]);  // the letter C
  }
  at.run("logit_attribution", params);
  const Table& table = at.context.tables.at("latent_words.tsv");
  ASSERT_EQ(table.rows().size(), 2u);
  EXPECT_EQ(table.rows()[0][2].as<std::string>()->substr(0, 4), "C (+");
  params.erase("latents");
  at.run("logit_attribution", params);
  EXPECT_EQ(at.context.tables.at("latent_words.tsv").rows().size(), 4u);
}

TEST(LogitAttribution, refuses_what_it_cannot_take_apart) {
  Value::Table params = two_proteins();
  params["watch"] = words({"M"});
  const auto refused = [&](Attributed at) {
    return refusal_of([&] { at.run("logit_attribution", params); });
  };
  EXPECT_EQ(refused(Attributed("esm2", {{"weights", kTiny}}, "blocks.0.out")),
            "logit_attribution: esm2 has no plain unembedding: its logits are more than a norm "
            "and a matrix");
  EXPECT_EQ(refused(toy_at("final_norm.out")),
            "logit_attribution: final_norm.out lies behind the final norm, should be a hookpoint "
            "whose rows go into it");
  Attributed several = toy_at("blocks.0.out");
  several.context.spliced_at.points = {"blocks.0.out", "blocks.1.out"};
  EXPECT_EQ(refused(std::move(several)),
            "logit_attribution: this SAE reads 2 hookpoints and writes to 2, should be one");
  params["position"] = 7;
  EXPECT_EQ(refused(toy_at("blocks.0.out")),
            "logit_attribution: position: 7 is beyond prompt 0 (7 tokens)");
  params["position"] = 1;
  params["latents"] = Value::Array{Value(16)};
  EXPECT_EQ(refused(toy_at("blocks.0.out")),
            "logit_attribution: latents: 16, should be 0 .. 15 (d_sae is 16)");
  params["watch"] = words({""});
  params.erase("latents");
  EXPECT_EQ(refused(toy_at("blocks.0.out")),
            "logit_attribution: watch: \"\" is 0 tokens of toy, should be one");
  params["watch"] = Value::Array{};
  EXPECT_EQ(refused(toy_at("blocks.0.out")), "logit_attribution.watch: is empty");
}

TEST(Attribution, of_the_last_block_is_what_patching_finds) {
  Attributed at = toy_at("blocks.1.out");
  Value::Table params = two_proteins();
  params["answer"] = "M";
  params["other"] = "K";
  params["position"] = 2;
  const Report report = at.run("attribution", params);
  EXPECT_EQ(number(report, "measured"),
            2 * 7 * 4);  // every latent at every token, less than 50 each
  EXPECT_GT(number(report, "correlation_attrib"), 0.9);
  const Table& latents = at.context.tables.at("attribution.tsv");
  for (size_t row = 0; row < latents.rows().size(); ++row)
    if (*latents.rows()[row][1].as<int64_t>() != 2) {  // other tokens say nothing of this logit
      EXPECT_NEAR(sum_of(latents, row, {"exact"}), 0, 1e-6);
    }
}

TEST(Attribution, measures_as_many_as_asked) {
  Attributed at = toy_at("blocks.0.out");
  Value::Table params = two_proteins();
  params["answer"] = "M";
  params["other"] = "K";
  params["exact"] = 3;
  params["whole"] = 2;
  params["patches"] = words({"MKVLC", "ACDGF"});
  EXPECT_EQ(number(at.run("attribution", params), "measured"), 6);
  EXPECT_EQ(at.context.tables.at("attribution_whole.tsv").rows().size(), 4u);
  params["exact"] = 0;
  EXPECT_EQ(number(at.run("attribution", params), "measured"), 0);
  EXPECT_EQ(*at.context.tables.at("attribution_residuals.tsv").rows()[0].back().as<std::string>(),
            "");
}

TEST(Attribution, to_the_same_prompt_has_no_effects) {
  Attributed at = toy_at("blocks.0.out");
  Value::Table params = two_proteins();
  params["answer"] = "M";
  params["other"] = "K";
  params["patches"] = params["prompts"];
  at.run("attribution", params);
  EXPECT_TRUE(at.context.tables.at("attribution.tsv").rows().empty());
}

TEST(Attribution, refuses_prompts_and_words_that_do_not_fit) {
  Value::Table params = two_proteins();
  params["answer"] = "M";
  params["other"] = "K";
  const auto refused = [&](const std::string& key, Value value) {
    Value::Table changed = params;
    changed[key] = std::move(value);
    return refusal_of([&] { toy_at("blocks.0.out").run("attribution", changed); });
  };
  EXPECT_EQ(refused("patches", words({"MKVLA", "ACDE"})),
            "attribution: patches: number 1 has 6 tokens, should have 7 as its prompt");
  EXPECT_EQ(refused("patches", words({"MKVLA"})),
            "attribution.patches: has 1 texts, should have 2 as prompts, or none");
  EXPECT_EQ(refused("prompts", Value::Array{}), "attribution.prompts: is empty");
  EXPECT_EQ(refused("answer", "MK"),
            "attribution: answer: \"MK\" is 2 tokens of toy, should be one");
  EXPECT_EQ(refused("position", 7), "attribution: position: 7 is beyond prompt 0 (7 tokens)");
  Attributed several = toy_at("blocks.0.out");
  several.context.spliced_at.points = {"blocks.0.out", "blocks.1.out"};
  EXPECT_EQ(refusal_of([&] { several.run("attribution", params); }),
            "attribution: this SAE reads 2 hookpoints and writes to 2, should be one");
}

}  // namespace facet
