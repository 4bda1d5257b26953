// Edits, direct logit attribution and attribution patching against transformers.
#include <gtest/gtest.h>

#include <map>

#include "analysis/intervene/continuations.h"
#include "analysis/intervene/direct_logits.h"
#include "analysis/intervene/patching.h"
#include "plugins/intervene_case.h"

namespace facet {
namespace {

// As tests/golden/intervene/golden.json states them.
constexpr double kLogitsAbs = 1e-3, kLogitsRel = 1e-4, kEffectAbs = 1e-4, kEffectRel = 1e-3,
                 kPartsAbs = 1e-4, kFirmGap = 1e-3;
constexpr int64_t kEveryColumn = 5;
// Of each case: latents at tokens that are patched by a pass of their own, and whole latents.
constexpr int64_t kExact = 40, kWhole = 40;

intervene::EditHow how_of(const Value& of) {
  static const std::map<std::string, intervene::EditKind> kinds = {
      {"steer", intervene::EditKind::add_direction},
      {"steer_relative", intervene::EditKind::add_direction_relative},
      {"clamp", intervene::EditKind::set},
      {"clamp_if_active", intervene::EditKind::set},
      {"ablate", intervene::EditKind::ablate},
      {"scale", intervene::EditKind::multiply}};
  intervene::EditHow how;
  how.kind = kinds.at(of.text("kind"));
  how.only_active = of.text("kind") == "clamp_if_active";
  how.error_term = !of.find("error") || of.flag("error");
  how.positions = intervene::Positions(of.at("positions"), /*specials=*/true);
  return how;
}

double amount_of(const Value& of) {
  return of.find("alpha") ? of.number("alpha") : of.find("value") ? of.number("value") : 0;
}

void expect_edit(size_t number, const Value& of) {
  SCOPED_TRACE("edit " + std::to_string(number));
  InterveneCase at(of);
  intervene::Intervention intervention(*at.host, *at.loaded.sae, *at.loaded.normaliser, at.place,
                                       how_of(of));
  const Tokens prompt =
      intervene::prompt_of("intervene", golden_prompt(of.text("prompt")), *at.host).tokens;
  const std::vector<Hook> hooks =
      intervention.hooks({{of.integer("latent")}, amount_of(of)}, nullptr);
  const Tensor logits = at.host->forward(prompt, hooks, {.logits = true}).value;
  const std::string name = "edit" + std::string(number < 10 ? "0" : "") + std::to_string(number);
  EXPECT_TRUE(near(logits.slice(1, 0, {}, kEveryColumn), intervene_tensor(name + ".logits")[0],
                   kLogitsAbs, kLogitsRel));
  const Tensor plain = at.host->forward(prompt, {}, {.logits = true}).value;
  const intervene::Effect effect = intervene::effect_of(plain, logits, {});
  EXPECT_NEAR(effect.kl, of.number("kl_from_clean_mean"), kLogitsAbs);
  EXPECT_NEAR(effect.largest, of.number("max_logit_change"), kLogitsAbs);
  if (of.number("smallest_top2_gap") < kFirmGap) return;
  GenerateParams how;
  how.max_tokens = 16;
  how.past_end = true;
  EXPECT_EQ(intervene::continued(*at.host, intervention, prompt, hooks, how, Rng(1, "x")),
            golden_integers(of.at("greedy_16")));
}

void expect_parts(const intervene::LogitParts& parts, const Value& of, const std::string& key) {
  SCOPED_TRACE(key);
  EXPECT_NEAR(parts.latents, of.at("latents").number(key), kPartsAbs);
  EXPECT_NEAR(parts.error, of.at("error").number(key), kPartsAbs);
  EXPECT_NEAR(parts.bias, of.at("bias").number(key), kPartsAbs);
  EXPECT_NEAR(parts.later_blocks, of.at("later_blocks").number(key), kPartsAbs);
  EXPECT_NEAR(parts.total(), of.at("total").number(key), kPartsAbs);
  EXPECT_NEAR(parts.logit, of.at("total").number(key), kPartsAbs);
}

void expect_ends(const std::vector<std::pair<int64_t, double>>& ends, const Value& ids,
                 const Value& values) {
  ASSERT_EQ(ends.size(), ids.as<Value::Array>()->size());
  for (size_t i = 0; i < ends.size(); ++i) {
    EXPECT_EQ(ends[i].first, *ids.as<Value::Array>()->at(i).as<int64_t>());
    EXPECT_NEAR(ends[i].second, *values.as<Value::Array>()->at(i).as<double>(), kPartsAbs);
  }
}

void expect_direct_logits(const Value& of) {
  SCOPED_TRACE(of.text("sae"));
  InterveneCase at(of);
  intervene::DirectLogits direct(*at.host, *at.loaded.sae, *at.loaded.normaliser, at.place);
  const Tokens prompt =
      intervene::prompt_of("logits", golden_prompt(of.text("prompt")), *at.host).tokens;
  const auto found = direct.at(prompt, of.integer("position"), golden_integers(of.at("tokens")));
  EXPECT_NEAR(found.divisor, of.number("rms_final"), kPartsAbs);
  expect_parts(found.parts[0], of.at("parts"), "logit_a");
  expect_parts(found.parts[1], of.at("parts"), "logit_b");
  const Value::Array& latents = of.array("latents_at_position");
  ASSERT_EQ(found.latents.size(), latents.size());
  for (size_t i = 0; i < latents.size(); ++i) {
    EXPECT_EQ(found.latents[i].latent, latents[i].integer("latent"));
    EXPECT_NEAR(found.latents[i].activation, latents[i].number("activation"), kPartsAbs);
    EXPECT_NEAR(found.latents[i].logits[0], latents[i].number("logit_a"), kPartsAbs);
    EXPECT_NEAR(found.latents[i].logits[1], latents[i].number("logit_b"), kPartsAbs);
  }
  for (const Value& direction : of.array("directions")) {
    const bool plain = direction.text("kind") == "plain";
    const intervene::Taken taken =
        direct.taken(direction.integer("latent"),
                     plain ? intervene::Reads::plain : intervene::Reads::norm_weight, 10);
    expect_ends(taken.top, direction.at("top10_ids"), direction.at("top10"));
    expect_ends(taken.bottom, direction.at("bottom10_ids"), direction.at("bottom10"));
    EXPECT_NEAR(taken.mean, direction.number("mean"), kPartsAbs);
    EXPECT_NEAR(taken.std, direction.number("std_population"), kPartsAbs);
    EXPECT_NEAR(taken.skew, direction.number("skew"), kPartsAbs);
    EXPECT_NEAR(taken.kurtosis, direction.number("kurtosis"), kPartsAbs);
  }
}

double effect_error(double is, double should_be) {
  return std::abs(is - should_be) - kEffectRel * std::abs(should_be);
}

void expect_entries(const intervene::Patched& found, const std::string& name) {
  const auto tensor = [&](const std::string& what) { return intervene_tensor(name + what); };
  const Tensor position = tensor("position"), latent = tensor("latent"), clean = tensor("clean"),
               patch = tensor("patch"), gradient = tensor("gradient"),
               attrib = tensor("effect_attrib"), integrated = tensor("effect_ig10"),
               exact = tensor("effect_exact");
  ASSERT_EQ(static_cast<int64_t>(found.latents.size()), position.size(0));
  double worst = 0;
  int64_t measured = 0;
  for (int64_t i = 0; i < position.size(0); ++i) {
    const intervene::LatentEntry& one = found.latents[static_cast<size_t>(i)];
    ASSERT_EQ(one.position, position[i].item<int64_t>());
    ASSERT_EQ(one.latent, latent[i].item<int64_t>());
    const auto compare = [&](double is, const Tensor& all) {
      worst = std::max(worst, effect_error(is, all[i].item<double>()));
    };
    compare(one.clean, clean);
    compare(one.patch, patch);
    compare(one.gradient, gradient);
    compare(one.effects.attrib, attrib);
    compare(one.effects.integrated, integrated);
    if (!one.effects.exact) continue;
    compare(*one.effects.exact, exact);
    ++measured;
  }
  EXPECT_LE(worst, kEffectAbs);
  EXPECT_EQ(measured, kExact);
  const Tensor residual[] = {tensor("residual_effect_attrib"), tensor("residual_effect_ig10"),
                             tensor("residual_effect_exact")};
  ASSERT_EQ(static_cast<int64_t>(found.residuals.size()), residual[0].size(0));
  for (size_t i = 0; i < found.residuals.size(); ++i) {
    const intervene::Effects& one = found.residuals[i];
    const auto at = static_cast<int64_t>(i);
    EXPECT_LE(effect_error(one.attrib, residual[0][at].item<double>()), kEffectAbs);
    EXPECT_LE(effect_error(one.integrated, residual[1][at].item<double>()), kEffectAbs);
    EXPECT_LE(effect_error(*one.exact, residual[2][at].item<double>()), kEffectAbs);
  }
}

void expect_patching(size_t number, const Value& of) {
  SCOPED_TRACE("attribution " + std::to_string(number));
  InterveneCase at(of);
  const auto tokens = [&](const std::string& key) {
    return intervene::prompt_of("attribution", golden_prompt(of.text(key)), *at.host).tokens;
  };
  const Tokens clean = tokens("clean");
  std::optional<Tokens> patch;
  if (!of.at("patch").empty()) patch = tokens("patch");
  const std::vector<int64_t> ids = golden_integers(of.at("tokens"));
  const intervene::Patched found =
      intervene::patch_effects(*at.host, *at.loaded.sae, *at.loaded.normaliser, at.place, clean,
                               patch, {clean.id.size(0) - 1, ids[0], ids[1]}, {10, kExact, kWhole});
  EXPECT_NEAR(found.clean, of.number("metric_clean"), kEffectAbs);
  if (patch) {
    EXPECT_LE(effect_error(*found.patch - found.clean, of.number("total_effect")), kEffectAbs);
  }
  EXPECT_LE(effect_error(found.attrib, of.number("sum_attrib")), kEffectAbs);
  EXPECT_LE(effect_error(found.integrated, of.number("sum_ig10")), kEffectAbs);
  expect_entries(found, "attribution" + std::to_string(number) + ".");
  for (const Value& whole : of.array("whole_latent")) {
    const auto one = std::find_if(found.whole.begin(), found.whole.end(), [&](const auto& w) {
      return w.latent == whole.integer("latent");
    });
    ASSERT_NE(one, found.whole.end());
    EXPECT_LE(effect_error(one->attrib, whole.number("attrib_sum")), kEffectAbs);
    EXPECT_LE(effect_error(one->exact, whole.number("exact_all_positions")), kEffectAbs);
  }
}

}  // namespace

TEST(InterveneGolden, edits_give_the_logits_and_texts_of_transformers) {
  const torch::NoGradGuard no_gradients;
  const Value::Array& edits = intervene_golden().array("edits");
  ASSERT_EQ(edits.size(), 26u);
  for (size_t i = 0; i < edits.size(); ++i) expect_edit(i, edits[i]);
}

TEST(InterveneGolden, logits_are_taken_apart_as_there) {
  const torch::NoGradGuard no_gradients;
  for (const Value& one : intervene_golden().array("dla")) expect_direct_logits(one);
}

TEST(InterveneGolden, patching_has_the_effects_found_there) {
  const torch::NoGradGuard no_gradients;
  const Value::Array& cases = intervene_golden().array("attribution");
  ASSERT_EQ(cases.size(), 3u);
  for (size_t i = 0; i < cases.size(); ++i) expect_patching(i, cases[i]);
}

}  // namespace facet
