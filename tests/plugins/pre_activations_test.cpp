// Sae::pre_activations: what latents see before any of them is chosen, of every kind of SAE.
#include <gtest/gtest.h>

#include <filesystem>

#include "expect_refusal.h"
#include "facet/error.h"
#include "facet/torch.h"
#include "plugin/loader.h"

namespace facet {
namespace {

constexpr int64_t kSeen = 12, kInput = 10, kDictionary = 40;

std::unique_ptr<Sae> seeing(const std::string& type, int64_t points, Value given) {
  static Registry registry;
  const auto has = [&] {
    for (const Part* part : registry.parts())
      if (part->kind == "sae" && part->name == type) return true;
    return false;
  };
  if (!has()) {
    load_plugin(std::filesystem::path(FACET_TEST_PLUGINS) / (type + ".so"), registry);
  }
  if (type != "identity") given.set("d_sae", kDictionary);
  std::vector<std::string> problems;
  const SaePart& part = registry.sae(type);
  const AnyParams params = part.schema.parse("sae", given, Demand::whole, problems);
  if (!problems.empty()) throw UserError(problems);
  Init init(5);
  return part.make(params, Shape{points, points, kInput, kInput}, init);
}

Batch seen_rows(int64_t points) {
  Rng rng(3, "rows");
  Tensor x = torch::empty({kSeen, points, kInput});
  float* values = x.data_ptr<float>();
  for (int64_t i = 0; i < x.numel(); ++i) values[i] = static_cast<float>(rng.normal());
  Batch batch;
  batch.input = batch.target = x;
  return batch;
}

// Every value of the codes is the pre-activation of its latent, and none that is left out is
// larger.
void expect_codes_are_chosen_from(Sae& sae, const Batch& batch) {
  const torch::NoGradGuard no_grad;
  const Tensor pre = sae.pre_activations(batch.input);  // [n, m]
  ASSERT_EQ(pre.sizes(), (std::vector<int64_t>{kSeen, kDictionary}));
  const Tensor codes = sae.pass(batch, Mode::infer).codes.dense();
  const Tensor chosen = codes.gt(0);
  EXPECT_GT(chosen.sum().item<int64_t>(), 0);
  EXPECT_LT((codes - pre).masked_select(chosen).abs().max().item<double>(), 1e-5);
  const Tensor least = codes.masked_fill(chosen.logical_not(), 1e30).amin(1);
  const Tensor left_out = pre.masked_fill(chosen, -1e30).amax(1);
  EXPECT_TRUE((left_out <= least + 1e-5).all().item<bool>());
}

}  // namespace

TEST(PreActivations, are_what_codes_are_chosen_from) {
  const Value k(Value::Table{{"k", 4}});
  const Value by_norm(Value::Table{{"k", 4}, {"select_by_norm", true}, {"decoder_norm", "never"}});
  for (const Value& given : {k, by_norm})
    expect_codes_are_chosen_from(*seeing("topk", 1, given), seen_rows(1));
  expect_codes_are_chosen_from(*seeing("relu", 1, Value::Table()), seen_rows(1));
  expect_codes_are_chosen_from(*seeing("crosscoder", 3, k), seen_rows(3));
  expect_codes_are_chosen_from(*seeing("route", 3, k), seen_rows(3));
}

TEST(PreActivations, are_refused_where_there_are_none) {
  const Batch several = seen_rows(3), one = seen_rows(1);
  const auto by_layer = seeing("random_k", 3, Value::Table{{"k", 4}, {"choose", "layer"}});
  EXPECT_EQ(refusal_of([&] { by_layer->pre_activations(several.input); }),
            "sae: pre_activations: it chooses among 3 hookpoints by itself, so a row has none "
            "before it is coded");
  const auto identity = seeing("identity", 1, Value::Table());
  EXPECT_EQ(refusal_of([&] { identity->pre_activations(one.input); }),
            "sae: pre_activations: this architecture has none");
}

}  // namespace facet
