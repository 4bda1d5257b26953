// The normalisers of the kernel: their formulas, the way back, and how they are chosen.
#include <facet/torch.h>
#include <gtest/gtest.h>

#include "core/activations/letter_host.h"
#include "expect_refusal.h"

namespace facet {
namespace {

// Two roundings of float32 on numbers near 10.
constexpr double kRounding = 1e-5;

std::unique_ptr<Normaliser> chosen(const Value& normalize) {
  Registry registry;
  add_core_normalisers(registry);
  return make_normaliser(registry, normalize, "activations.normalize");
}

Tensor sample() {
  return torch::sin(torch::arange(24).to(torch::kFloat32)).view({3, 2, 4}) * 5 + 2;
}

TEST(Normaliser, none_gives_the_rows_in_float32) {
  const auto none = chosen({});
  Stats stats;
  const Tensor x = sample().to(torch::kFloat64);
  EXPECT_TRUE(torch::equal(none->apply(x, stats), x.to(torch::kFloat32)));
  EXPECT_TRUE(torch::equal(none->invert(x, stats), x.to(torch::kFloat32)));
  EXPECT_EQ(none->saelens_name(), "none");
}

TEST(Normaliser, constant_norm_gives_each_row_the_root_of_the_width_as_its_norm) {
  const auto norm = chosen("constant_norm");
  Stats stats;
  const Tensor x = torch::cat({sample(), torch::zeros({1, 2, 4})});  // [4, 2, 4]
  const Tensor y = norm->apply(x, stats);
  const Tensor expected = x * (2.0 / x.norm(2, {-1}, true).clamp_min(1e-30));
  EXPECT_TRUE(torch::allclose(y, expected, kRounding, kRounding)) << "a row of zeros stays";
  EXPECT_EQ(stats.at("scale").sizes(), (std::vector<int64_t>{4, 2, 1}));
  EXPECT_TRUE(torch::allclose(norm->invert(y, stats), x, kRounding, kRounding));
  EXPECT_EQ(norm->saelens_name(), "constant_norm_rescale");
}

TEST(Normaliser, layer_norm_divides_by_the_spread_plus_eps) {
  const auto norm = chosen("layer_norm");
  Stats stats;
  const Tensor x = sample();
  const Tensor expected = (x - x.mean(-1, true)) / (x.std(-1, true, true) + 1e-5);
  EXPECT_TRUE(torch::allclose(norm->apply(x, stats), expected, kRounding, kRounding));
  EXPECT_EQ(norm->saelens_name(), "layer_norm");
}

TEST(Normaliser, layer_norm_with_eps_inside_divides_by_the_root_of_variance_plus_eps) {
  const auto norm = chosen(Value::Table{
      {"type", "layer_norm"}, {"eps", 0.5}, {"eps_outside", false}, {"unbiased", false}});
  Stats stats;
  const Tensor x = sample();
  const Tensor expected = (x - x.mean(-1, true)) / (x.var(-1, false, true) + 0.5).sqrt();
  EXPECT_TRUE(torch::allclose(norm->apply(x, stats), expected, kRounding, kRounding));
  EXPECT_EQ(norm->saelens_name(), "");
}

TEST(Normaliser, the_way_back_is_exact_with_eps_and_short_of_it_without) {
  for (const bool outside : {true, false}) {
    const Value::Table form = {{"type", "layer_norm"}, {"eps", 0.5}, {"eps_outside", outside}};
    const auto plain = chosen(form);
    Value::Table with_eps = form;
    with_eps["eps_back"] = true;
    const auto exact = chosen(with_eps);
    Stats stats, exact_stats;
    const Tensor x = sample(), y = plain->apply(x, stats);
    EXPECT_TRUE(torch::equal(exact->apply(x, exact_stats), y));
    EXPECT_TRUE(torch::allclose(exact->invert(y, exact_stats), x, kRounding, kRounding));
    const Tensor expected = y * x.std(-1, true, true) + x.mean(-1, true);
    EXPECT_TRUE(torch::allclose(plain->invert(y, stats), expected, kRounding, kRounding));
  }
}

TEST(Normaliser, constant_rows_become_zero_and_come_back) {
  for (const char* name : {"routesae", "opensae", "rep_saes"}) {
    const auto norm = chosen(name);
    Stats stats;
    const Tensor x = torch::full({2, 1, 4}, 3.0f), y = norm->apply(x, stats);
    EXPECT_TRUE(torch::equal(y, torch::zeros_like(x))) << name;
    EXPECT_TRUE(torch::equal(norm->invert(y, stats), x)) << name;
  }
}

// Each formula as its source writes it.
TEST(Normaliser, a_named_form_is_the_sources_formula) {
  const Tensor x = sample(), centred = x - x.mean(-1, true);
  const Tensor std = x.std(-1, true, true), variance = x.var(-1, false, true);
  const struct {
    const char* name;
    Tensor divisor, back;
    const char* saelens;
  } forms[] = {
      {"routesae", std + 1e-6, std, ""},
      {"saelens", std + 1e-5, std, "layer_norm"},
      {"opensae", std + 1e-5, std + 1e-5, ""},
      {"openai", std + 1e-5, std, "layer_norm"},
      {"batch_topk", std + 1e-5, std, "layer_norm"},
      {"rep_saes", (variance + 1e-5).sqrt(), variance.sqrt(), ""},
  };
  for (const auto& form : forms) {
    const auto norm = chosen(form.name);
    Stats stats;
    const Tensor y = norm->apply(x, stats);
    EXPECT_TRUE(torch::allclose(y, centred / form.divisor, kRounding, kRounding)) << form.name;
    EXPECT_TRUE(torch::allclose(stats.at("scale"), form.back, kRounding, 0)) << form.name;
    EXPECT_EQ(norm->saelens_name(), form.saelens) << form.name;
  }
}

TEST(Normaliser, routesae_works_in_the_hosts_dtype) {
  const Tensor x = sample(), narrow = x.to(torch::kBFloat16);
  Stats stats;
  const Tensor y = chosen("routesae")->apply(narrow, stats);
  const Tensor centred = narrow - narrow.mean(-1, true);
  const Tensor std = (centred.square().sum(-1, true) / (x.size(-1) - 1)).sqrt();
  EXPECT_TRUE(torch::equal(y, (centred / (std + 1e-6)).to(torch::kFloat32)));
  const auto widened = chosen(Value::Table{{"type", "layer_norm"}, {"eps", 1e-6}});
  EXPECT_FALSE(torch::equal(y, widened->apply(narrow, stats)));
  EXPECT_TRUE(torch::equal(chosen("routesae")->apply(x, stats), widened->apply(x, stats)));
}

TEST(Normaliser, a_named_form_is_recorded_as_what_it_stands_for) {
  Registry registry;
  add_core_normalisers(registry);
  const auto named = choose_normaliser(registry, "rep_saes", "x");
  EXPECT_EQ(named.type, "layer_norm");
  EXPECT_EQ(emit_json(named.params.resolved),
            "{\"eps\":1e-05,\"eps_back\":false,\"eps_outside\":false,\"in_host_dtype\":false,"
            "\"unbiased\":false}");
  EXPECT_EQ(choose_normaliser(registry, "saelens", "x").params.resolved,
            choose_normaliser(registry, "layer_norm", "x").params.resolved);
}

TEST(Normaliser, a_batch_keeps_the_raw_rows_and_what_the_way_back_needs) {
  const auto norm = chosen(Value::Table{{"type", "layer_norm"}, {"eps_back", true}});
  const auto stream = ActivationStream(dataset_of(std::make_shared<WaveData>(10)), small_windows());
  const Batch batch = make_batch(*norm, stream.open(Order::sequential, 0)->next(10));
  EXPECT_TRUE(torch::equal(batch.input, batch.target));
  EXPECT_TRUE(
      torch::allclose(norm->invert(batch.input, batch.stats), batch.ids.x, kRounding, kRounding));
}

TEST(Normaliser, a_choice_knows_every_parameter_in_force) {
  Registry registry;
  add_core_normalisers(registry);
  const auto choice =
      choose_normaliser(registry, Value::Table{{"type", "layer_norm"}, {"eps", 1e-6}}, "x");
  EXPECT_EQ(choice.type, "layer_norm");
  EXPECT_EQ(emit_json(choice.params.resolved),
            "{\"eps\":1e-06,\"eps_back\":false,\"eps_outside\":true,\"in_host_dtype\":false,"
            "\"unbiased\":true}");
}

TEST(Normaliser, refusals_name_the_place) {
  const auto at_line_9 = [](Value v) {
    v.origin = {"a.toml", 9, 1, ""};
    return v;
  };
  const struct {
    Value given;
    std::string text;
  } cases[] = {
      {at_line_9("layer_nrom"),
       "a.toml:9:1: activations.normalize: no normaliser \"layer_nrom\" (did you mean "
       "\"layer_norm\"?)"},
      {at_line_9("zscore"),
       "a.toml:9:1: activations.normalize: no normaliser \"zscore\" (known: batch_topk, "
       "constant_norm, expected_average, layer_norm, mean, none, openai, opensae, rep_saes, "
       "routesae, saelens, whitening)"},
      {Value::Table{{"type", "routesae"}, {"eps", at_line_9(1e-5)}},
       "a.toml:9:1: activations.normalize.eps: unknown key"},
      {at_line_9(3),
       "a.toml:9:1: activations.normalize: expected a name or a table with `type`, got integer 3"},
      {at_line_9(Value::Table{{"eps", 1e-5}}), "a.toml:9:1: activations.normalize.type: required"},
      {Value::Table{{"type", at_line_9(4)}},
       "a.toml:9:1: activations.normalize.type: expected string, got integer 4"},
      {Value::Table{{"type", "layer_norm"}, {"epss", at_line_9(1)}},
       "a.toml:9:1: activations.normalize.epss: unknown key (did you mean \"eps\"?)"},
  };
  for (const auto& c : cases) EXPECT_EQ(refusal_of([&] { chosen(c.given); }), c.text);
}

}  // namespace
}  // namespace facet
