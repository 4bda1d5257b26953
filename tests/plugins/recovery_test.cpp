// TopK, trained on rows of a known dictionary, finds the dictionary again and lets few latents die.
#include <facet/torch.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "activations/activation_stream.h"
#include "plugin/loader.h"
#include "train/trainer.h"

namespace facet {
namespace {

// What counts as recovered: matched mean cosine, and share of latents that never fire.
constexpr double kLeastRecovery = 0.9;
constexpr double kMostDead = 0.05;

// Pairs greedily, best first: never more than the mean of the best pairing.
double mean_of_pairs(Tensor score) {
  double sum = 0;
  const int64_t pairs = std::min(score.size(0), score.size(1));
  for (int64_t i = 0; i < pairs; ++i) {
    const int64_t best = score.argmax().item<int64_t>();
    const int64_t row = best / score.size(1), column = best % score.size(1);
    sum += score[row][column].item<double>();
    score[row].fill_(-1);
    score.select(1, column).fill_(-1);
  }
  return sum / static_cast<double>(pairs);
}

TEST(Recovery, topk_with_auxk_finds_a_known_dictionary_and_few_latents_die) {
  Registry registry;
  add_core_data(registry);
  add_core_normalisers(registry);
  load_plugin(std::filesystem::path(FACET_TEST_PLUGINS) / "topk.so", registry);
  std::vector<std::string> problems;
  const auto parse = [&](const Part& part, const Value& given) {
    return part.schema.parse(part.kind, given, Demand::whole, problems);
  };
  const DataPart& data = registry.data("synthetic");
  DatasetParams policy;
  policy.type = "synthetic";
  const Value known =
      Value::Table{{"d", 32}, {"features", 64}, {"active", 4}, {"noise", 0.01}, {"rows", 100000}};
  const ActivationStream stream(Dataset(data.make(parse(data, known)), policy, "known"), {});
  const SaePart& topk = registry.sae("topk");
  Init init(1);
  // A training this short needs dead latents back sooner than the default weight of auxk, 1/32,
  // brings them.
  const Value settings = Value::Table{{"d_sae", 64}, {"k", 4}, {"aux_coefficient", 0.25}};
  const auto sae = topk.make(parse(topk, settings), stream.shape(), init);
  ASSERT_TRUE(problems.empty()) << problems.front();

  TrainParams params;
  params.steps = 1500;
  params.batch = 256;
  params.lr = 3e-3;
  params.dead_after_rows = 4096;
  const auto source = stream.open(Order::shuffled, 7);
  const auto normaliser = make_normaliser(registry, {}, "normalize");
  const TrainOutcome outcome = fit(*sae, *normaliser, *source, params, {});

  const Tensor decoder = sae->decoder(0).detach();
  const Tensor unit = decoder / decoder.norm(2, {1}, true);
  EXPECT_GT(mean_of_pairs(source->dictionary().matmul(unit.t()).abs()), kLeastRecovery);
  EXPECT_LT(outcome.firing_share.eq(0).to(torch::kFloat64).mean().item<double>(), kMostDead);
  EXPECT_LT(outcome.last.dead, kMostDead);
}

}  // namespace
}  // namespace facet
