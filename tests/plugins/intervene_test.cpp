// The analysis intervene: its tables and figures on small hosts, and what it refuses.
#include <gtest/gtest.h>

#include "expect_refusal.h"
#include "plugins/fake_context.h"
#include "plugins/intervene_case.h"

namespace facet {
namespace {

const std::vector<std::string> kProteins = {"MKVLAAGIC", "ACDEFGHIKL"};

// An untrained SAE in the middle of a host.
struct InHost {
  InHost(const std::string& type, const Value::Table& params, int64_t width,
         const std::string& point,
         const Value& sae = Value::Table{{"type", "topk"}, {"d_sae", 16}, {"k", 4}})
      : host(make_host(type, params)), sae(sae_of(sae, {1, 1, width, width})), normaliser(1.0) {
    context.living = host.get();
    context.trained = this->sae.get();
    context.normalising = &normaliser;
    context.spliced_at.points = {point};
  }
  Report run(Value::Table params) { return run_analysis("intervene", params, context); }

  std::unique_ptr<HostModel> host;
  std::unique_ptr<Sae> sae;
  ScalingNormaliser normaliser;
  FakeContext context;
};

InHost in_toy() { return InHost("toy", {}, 32, "blocks.0.out"); }
InHost in_esm2() {
  const auto host = make_host("esm2", {{"weights", kTiny}});
  return InHost("esm2", {{"weights", kTiny}}, host->info().d_model, "blocks.0.out");
}
InHost in_llama() { return InHost("llama", {{"weights", kTinyLlama}}, 64, "blocks.2.out"); }

Value::Array texts(std::initializer_list<const char*> of) {
  Value::Array out;
  for (const char* one : of) out.emplace_back(one);
  return out;
}

Value::Table edit(const std::string& word, Value::Array amounts) {
  Value::Table out = {{"edit", word},
                      {"latents", Value::Array{Value(1), Value(2)}},
                      {"controls", 3},
                      {"prompts", texts({"MKVL", "ACDEF"})}};
  if (!amounts.empty()) out["amounts"] = amounts;
  return out;
}

Value::Table with(Value::Table params, const std::string& key, Value value) {
  params[key] = std::move(value);
  return params;
}

double cell(const Table& table, size_t row, const std::string& column) {
  for (size_t i = 0; i < table.columns().size(); ++i)
    if (table.columns()[i].name == column) return *table.rows().at(row)[i].as<double>();
  throw Bug("no column " + column);
}

std::string cell_text(const Table& table, size_t row, const std::string& column) {
  for (size_t i = 0; i < table.columns().size(); ++i)
    if (table.columns()[i].name == column) return *table.rows().at(row)[i].as<std::string>();
  throw Bug("no column " + column);
}

}  // namespace

TEST(Intervene, multiplying_by_one_changes_nothing) {
  InHost at = in_toy();
  const Report report = at.run(edit("multiply", {1}));
  EXPECT_LT(number(report, "edit_kl.1"), 1e-9);
  EXPECT_LT(number(report, "edit_kl.2"), 1e-9);
  EXPECT_EQ(number(report, "prompts"), 2);
}

TEST(Intervene, curves_rise_with_the_dose_beside_random_directions) {
  InHost at = in_toy();
  const Report report = at.run(edit("add_direction", {0, 2, 8}));
  const Table& doses = at.context.tables.at("doses.tsv");
  ASSERT_EQ(doses.rows().size(), 6u);  // two latents, three amounts
  EXPECT_NEAR(cell(doses, 0, "kl"), 0, 1e-9);
  EXPECT_LT(cell(doses, 1, "kl"), cell(doses, 2, "kl"));
  EXPECT_LT(cell(doses, 4, "kl"), cell(doses, 5, "kl"));
  EXPECT_LE(cell(doses, 5, "control_kl_low"), cell(doses, 5, "control_kl"));
  EXPECT_LE(cell(doses, 5, "control_kl"), cell(doses, 5, "control_kl_high"));
  EXPECT_EQ(at.context.tables.at("prompts.tsv").rows().size(), 12u);
  const Figure& kl = figure(report, "edit_kl.2");
  EXPECT_DOUBLE_EQ(*kl.value.as<double>(), cell(doses, 5, "kl"));
  EXPECT_EQ(kl.definition,
            "KL(host by itself || edited) at the largest amount (8) of latent 2, nats a token; "
            "mean over tokens, then prompts; baselines: mean, 2.5 % and 97.5 % quantile of 3 "
            "random directions, with a change as long at every token");
  ASSERT_EQ(kl.baselines.size(), 3u);
  EXPECT_DOUBLE_EQ(*kl.baselines[0].second.as<double>(), cell(doses, 5, "control_kl"));
  ASSERT_TRUE(kl.interval);
  EXPECT_EQ(kl.interval->definition, "95 %, percentile bootstrap over prompts, 1000 resamples");
  ASSERT_EQ(report.plots.size(), 2u);
  EXPECT_EQ(report.plots[0].name, "dose_1");
  EXPECT_EQ(report.plots[0].series.size(), 4u);
  EXPECT_EQ(report.plots[0].series[3].y.size(), 3u);
}

TEST(Intervene, several_latents_may_be_edited_together) {
  InHost at = in_toy();
  Value::Table params = with(edit("ablate", {}), "together", true);
  params["controls"] = 0;
  const Report report = at.run(params);
  const Table& doses = at.context.tables.at("doses.tsv");
  ASSERT_EQ(doses.rows().size(), 1u);
  EXPECT_EQ(cell_text(doses, 0, "latent"), "1 + 2");
  EXPECT_EQ(cell_text(doses, 0, "control_kl"), "");
  EXPECT_TRUE(figure(report, "edit_kl").baselines.empty());
  EXPECT_TRUE(report.plots.empty());
}

TEST(Intervene, without_prompts_the_records_are_tried) {
  InHost at = in_toy();
  at.context.kept = {{"P1", "MKVL", {}, {}}, {"P2", "ACDEF", {}, {}}, {"P3", "GG", {}, {}}};
  Value::Table params = edit("ablate", {});
  params.erase("prompts");
  params["most_prompts"] = 2;
  EXPECT_EQ(number(at.run(params), "prompts"), 2);
  at.context.kept.clear();
  EXPECT_EQ(refusal_of([&] { at.run(params); }),
            "intervene: prompts: there are none, nor records; should be a list of texts");
}

TEST(Intervene, watched_tokens_follow_their_direction) {
  InHost at = in_llama();
  const std::vector<Tensor> saved = {at.sae->decoder(0).detach().clone()};
  const Tensor word = at.host->unembedding()->weight;
  const int64_t id = at.host->tokenize(std::vector<std::string>{" people"}).id[1].item<int64_t>();
  {
    const torch::NoGradGuard no_gradients;
    at.sae->decoder(0)[1].copy_(word[id] / word[id].norm());
  }
  Value::Table params = edit("add_direction", {5, 20});
  params["latents"] = Value::Array{Value(1)};
  params["prompts"] = texts({"In the beginning God created the heaven"});
  params["watch"] = texts({" people"});
  params["at"] = texts({"blocks.2.out"});
  const Report report = at.run(params);
  const Figure& shift = figure(report, "edit_shift");
  EXPECT_GT(*shift.value.as<double>(), *shift.baselines[2].second.as<double>());
  const Table& watched = at.context.tables.at("watched.tsv");
  ASSERT_EQ(watched.rows().size(), 2u);
  EXPECT_DOUBLE_EQ(cell(watched, 1, "log_probability"), *shift.value.as<double>());
  EXPECT_EQ(report.plots[0].y_label, "shift (nats)");
}

TEST(Intervene, texts_go_on_with_and_without_the_edit) {
  InHost at = in_llama();
  Value::Table params = edit("add_direction", {0, 30});
  params["latents"] = Value::Array{Value(1)};
  params["prompts"] = texts({"In the beginning"});
  params["generate"] = 6;
  params["temperature"] = 0.8;
  at.run(params);
  const Table& table = at.context.tables.at("continued.tsv");
  ASSERT_EQ(table.rows().size(), 2u);
  EXPECT_EQ(cell_text(table, 0, "clean"), cell_text(table, 0, "edited"));  // the same draws
  EXPECT_NE(cell_text(table, 1, "clean_ids"), cell_text(table, 1, "edited_ids"));
}

TEST(Intervene, a_masked_language_model_fills_in) {
  InHost at = in_esm2();
  Value::Table params = edit("add_direction", {0, 50});
  params["latents"] = Value::Array{Value(1)};
  params["prompts"] = texts({"MKVLAAGIC"});
  params["infill"] = Value::Array{Value(2), Value(4)};
  params["watch"] = texts({"L"});
  const Report report = at.run(params);
  const Table& table = at.context.tables.at("infilled.tsv");
  ASSERT_EQ(table.rows().size(), 4u);
  EXPECT_EQ(cell_text(table, 0, "was"), "K");
  EXPECT_EQ(cell_text(table, 1, "was"), "L");
  EXPECT_EQ(cell_text(table, 0, "clean"), cell_text(table, 0, "edited"));
  EXPECT_NEAR(cell(table, 0, "clean_probability"), cell(table, 0, "edited_probability"), 1e-6);
  EXPECT_NE(cell(table, 2, "clean_probability"), cell(table, 2, "edited_probability"));
  EXPECT_NE(number(report, "edit_shift"), 0);
}

TEST(Intervene, refuses_what_the_host_or_the_sae_does_not_have) {
  const auto refused = [](InHost at, Value::Table params) {
    return refusal_of([&] { at.run(std::move(params)); });
  };
  const Value::Table good = edit("set", {1});
  EXPECT_EQ(refused(in_toy(), with(good, "latents", Value::Array{Value(16), Value(-1)})),
            "intervene: latents: 16, should be 0 .. 15 (d_sae is 16)\n"
            "intervene: latents: -1, should be 0 .. 15 (d_sae is 16)");
  EXPECT_EQ(refused(in_toy(), with(good, "positions", Value::Array{Value(6)})),
            "intervene: positions: 6 is beyond prompt 0 (6 tokens)");
  EXPECT_EQ(refused(in_toy(), with(good, "generate", 4)),
            "intervene: generate: toy cannot generate text");
  EXPECT_EQ(refused(in_toy(), with(good, "watch", texts({"MK"}))),
            "intervene: watch: \"MK\" is 2 tokens of toy, should be one");
  EXPECT_EQ(refused(in_toy(), with(good, "watch", texts({"M"}))),
            "intervene: watch: toy is a masked language model, should be with `infill`");
  EXPECT_EQ(refused(in_toy(), with(good, "infill", Value::Array{Value(1)})),
            "intervene: infill: toy has no mask token");
  EXPECT_EQ(refused(in_esm2(), with(good, "infill", Value::Array{Value(6)})),
            "intervene: infill: 6 is beyond prompt 0 (6 tokens)");
  EXPECT_EQ(refused(in_llama(), with(good, "infill", Value::Array{Value(1)})),
            "intervene: infill: llama reads from left to right, should be a masked language model; "
            "use `generate`");
}

TEST(Intervene, refuses_to_generate_under_an_sae_of_several_hookpoints) {
  InHost at = in_llama();
  const auto several = sae_of(Value::Table{{"type", "crosscoder"}, {"d_sae", 16}}, {2, 2, 64, 64});
  at.context.trained = several.get();
  at.context.spliced_at.points = {"blocks.1.out", "blocks.2.out"};
  Value::Table params = with(edit("ablate", {}), "generate", 4);
  params["splice_from"] = "difference";
  EXPECT_EQ(refusal_of([&] { at.run(params); }),
            "intervene: generate: this SAE reads several hookpoints at once, so new tokens would "
            "need a pass of the host by itself first; should be 0");
  params["generate"] = 0;
  EXPECT_GT(number(at.run(params), "prompts"), 0);
}

TEST(Intervene, refuses_fields_that_do_not_go_together) {
  const auto refused = [](Value::Table params) {
    return refusal_of([&] { in_toy().run(std::move(params)); });
  };
  EXPECT_EQ(refused(edit("ablate", {1})),
            "intervene.amounts: ablate takes none, should be left out");
  EXPECT_EQ(refused(edit("set", {})),
            "intervene.amounts: is empty, should have an amount for \"set\"");
  EXPECT_EQ(refused(edit("divide", {1, 0})),
            "intervene.amounts: has 0, by which nothing is divided");
  EXPECT_EQ(refused(with(edit("set", {1}), "latents", Value::Array{})),
            "intervene.latents: is empty");
  EXPECT_EQ(refused(with(edit("set", {1}), "positions", "first")),
            "intervene.positions: is \"first\", should be \"all\", \"not_first\", \"last\", "
            "\"prompt\" or a list of positions from 0");
  EXPECT_EQ(refused(with(edit("set", {1}), "positions", Value::Array{Value(-1)})),
            "intervene.positions: is list of 1, should be \"all\", \"not_first\", \"last\", "
            "\"prompt\" or a list of positions from 0");
  EXPECT_EQ(refused(with(edit("add_direction", {1}), "only_active", true)),
            "intervene.only_active: \"add_direction\" codes no row, should be with an edit of "
            "values");
  EXPECT_EQ(refused(with(edit("add_direction", {1}), "error_term", false)),
            "intervene.error_term: \"add_direction\" decodes no row, should be true");
  EXPECT_EQ(refused(with(edit("set", {1}), "infill", Value::Array{Value(-1)})),
            "intervene.infill: has a position below 0");
}

}  // namespace facet
